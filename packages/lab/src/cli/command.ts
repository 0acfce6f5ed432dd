import { createRequire } from 'node:module';
import { Command, CommanderError } from 'commander';
import { ArgumentError, HyperloomError } from 'hyperloom/tensor';
import { addDraw } from './draw.ts';
import { addEval } from './eval.ts';
import { addExport } from './export.ts';
import { addGenerate } from './generate.ts';
import { addInspect } from './inspect.ts';
import { addPlan } from './plan.ts';
import { addProfile } from './profile.ts';
import { addRecipes } from './recipes.ts';
import { addSample } from './sample.ts';
import { addTrain } from './train.ts';
import { addVariance } from './variance.ts';

/** Exit codes: 0 done, 1 a run that failed, 2 a command that was misused. */
export const exitCodes = { done: 0, failed: 1, misused: 2 } as const;

const { version } = createRequire(import.meta.url)('@hyperloom/lab/package.json') as { version: string };

/** An error on one line, whatever it quotes. */
const complaint = (text: string): string => `hyperloom: ${text.trim().replace(/\s*\n\s*/g, ' ')}\n`;

export function program(): Command {
  const command = new Command('hyperloom')
    .description('Hypernetworks: networks that generate the weights of other networks.')
    .version(version)
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(complaint(text.replace(/^error: /, ''))) })
    .configureHelp({ showGlobalOptions: true });
  const verbs = [
    addRecipes,
    addPlan,
    addTrain,
    addEval,
    addInspect,
    addGenerate,
    addSample,
    addDraw,
    addExport,
    addVariance,
    addProfile,
  ];
  for (const add of verbs) add(command, version);
  for (const verb of command.commands) verb.exitOverride();
  return command;
}

/** Runs a command line and gives the exit code. Errors are one line, unless HYPERLOOM_DEBUG asks for the stack. */
export async function main(args: readonly string[]): Promise<number> {
  try {
    await program().parseAsync(args, { from: 'user' });
    return Number(process.exitCode ?? exitCodes.done);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.misused;
    const known = error instanceof HyperloomError;
    process.stderr.write(complaint(known ? error.message : String(error)));
    if (process.env.HYPERLOOM_DEBUG) process.stderr.write(`${(error as Error).stack}\n`);
    return error instanceof ArgumentError ? exitCodes.misused : exitCodes.failed;
  }
}
