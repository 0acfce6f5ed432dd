import { FormatError } from 'hyperloom/tensor';

/**
 * The package `sharp`, loaded when first used: its native part can be missing where optional packages are not installed.
 * @param where what an error begins with
 * @param purpose what it is for, as in `to read a folder of images`
 * @throws FormatError where it cannot be loaded
 */
export async function loadSharp(where: string, purpose: string): Promise<typeof import('sharp').default> {
  const { default: sharp } = await import('sharp').catch((cause) => {
    throw new FormatError(
      `${where}: expected the package sharp ${purpose}, got: ${firstLine(cause)}; npm install --include=optional sharp mends it`,
      { cause },
    );
  });
  return sharp;
}

const firstLine = (cause: unknown): string =>
  (cause instanceof Error ? cause.message : String(cause)).trim().split('\n')[0]!.replace(/:$/, '');
