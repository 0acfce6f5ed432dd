import { type Run, sampler, type Trainable } from 'hyperloom/train';
import type { Picture } from '../recipe.ts';
import { authorCarry, bitsByAuthor, type language, writerBetween } from './authorModels.ts';
import { type AuthorTexts, authorTests } from './authors.ts';

/** Places between two codes. */
const shares = [0, 0.25, 0.5, 0.75, 1] as const;
/** What is written at each, and from how much of each test part the texts are compared. */
const [written, compared] = [320, 2_000] as const;

/** What the pictures are made from. */
export interface AuthorPictured {
  readonly texts: AuthorTexts;
  /** Names of the authors between whose codes text is written. */
  readonly pair: readonly [string, string];
  readonly net: ReturnType<typeof language>;
  readonly length: number;
  readonly seed: number;
}

/** What the first seed's networks write from codes between two authors, and each text under each author's code. */
export async function authorPictures(run: Run<Trainable>, pictured: AuthorPictured): Promise<Picture[]> {
  const [{ heatMap }, { textSheet }] = await Promise.all([
    import('../../report/charts.ts'),
    import('../../report/textSheet.ts'),
  ]);
  const {
    texts: { names, vocabulary },
    pair,
    net,
    seed,
  } = pictured;
  const [from, to] = pair.map((name) => names.indexOf(name)) as [number, number];
  const texts = [];
  for (const share of shares) {
    const writer = sampler(run, writerBetween(run.model as never, net, [from, to], share), { piece: 80 });
    const prompt = vocabulary.encode('\n');
    let text = '';
    for await (const piece of writer.sample({ prompt, length: written, temperature: 0.7, seed }))
      text += vocabulary.decode(piece);
    texts.push({ name: `${percent(1 - share)} ${pair[0]}, ${percent(share)} ${pair[1]}`, text });
  }
  const crossed = await bitsCrossed(run, pictured);
  return [
    {
      name: 'between.svg',
      caption: `Text of networks that are generated from codes on the line between two authors, at a temperature of 0.7.`,
      content: textSheet(`from ${pair[0]} to ${pair[1]}`, texts),
    },
    {
      name: 'crossed.svg',
      caption: `Bits per character that the network of another author takes more than an author's own, on the first ${compared.toLocaleString('en-US')} characters of each test part.`,
      content: heatMap(
        'bits more by the code of another',
        crossed.map((row, i) => row.map((bits) => bits - row[i]!)),
        { x: 'code of', columns: names, rows: names },
      ),
    },
  ];
}

const percent = (share: number): string => `${Math.round(100 * share)} %`;

/** Bits per character of the texts of authors, a row for each, under the codes of all, a column for each. */
async function bitsCrossed(run: Run<Trainable>, { texts, net, length }: AuthorPictured): Promise<number[][]> {
  const numbers = [...texts.names.keys()];
  const pairs = numbers.flatMap((text) => numbers.map((code) => ({ text, code })));
  const data = authorTests({
    texts: pairs.map(({ text }) => texts.texts[text]!.test.subarray(0, compared + 1)),
    codes: pairs.map(({ code }) => code),
    rows: 1,
    length,
  });
  const metrics = Object.fromEntries(pairs.map((_, i) => [`bits${i}`, bitsByAuthor(i, pairs.length)]));
  const bits = await run.evaluate(data, metrics, { carry: authorCarry(net.core.out, 1) });
  return numbers.map((text) => numbers.map((code) => bits[`bits${text * numbers.length + code}`]!));
}
