import { join } from 'node:path';
import type { Engine } from 'hyperloom/engine';
import { writeAtomic } from 'hyperloom/io';
import { type PhysicsParameter, physicsNumbers, type World } from 'hyperloom/rl';
import { ArgumentError } from 'hyperloom/tensor';
import type { Episode, Trial, TrialWorld } from '../recipes/recipe.ts';
import { reopen } from '../run/execute.ts';
import type { RunFolder } from '../run/folder.ts';
import { jsonLine, line, short, table } from './output.ts';

/** Pairs `physics.name=value` as numbers by name. */
function valuesOf(pairs: readonly string[]): Record<string, number> {
  const values = pairs.map((pair) => {
    const [, name, text] = /^physics\.([^=]+)=(.+)$/.exec(pair) ?? [];
    const value = Number(text);
    if (name === undefined || Number.isNaN(value) || text!.trim() === '')
      throw new ArgumentError(`--set: expected physics.NAME=NUMBER, such as physics.length=0.7, got "${pair}"`);
    return [name, value] as const;
  });
  return Object.fromEntries(values);
}

/** One line about a parameter: `length 0.5 to 1.5 m (1)`. */
const described = ([name, { low, high, unit, default: usual }]: readonly [string, PhysicsParameter]): string =>
  `${name} ${low} to ${high} ${unit} (${usual})`;

/**
 * The world of a trial under the physics of `--set`, all parameters by name.
 * @throws ArgumentError for a run that acts in no world, and for physics that this one does not have
 */
export function physicsFor(
  trial: Trial,
  folder: RunFolder,
  pairs: readonly string[],
): { readonly world: TrialWorld; readonly physics: Record<string, number> } {
  const { world } = trial;
  if (world === undefined)
    throw new ArgumentError(
      `--set: expected a run of a policy, such as cartpole, got ${folder.path}, a run of ${folder.config.recipe}`,
    );
  const { environment } = world;
  const values = valuesOf(pairs);
  const strange = Object.keys(values).find((name) => !(name in environment.spec.physics));
  if (strange !== undefined) {
    const known = Object.entries(environment.spec.physics).map(described).join(', ');
    throw new ArgumentError(`--set: expected physics of ${environment.name}: ${known}, got ${strange}`);
  }
  return { world, physics: physicsNumbers(environment, values) };
}

/** What `hyperloom eval RUN --set physics.*` does: one episode, told and drawn. */
export async function playEpisode(
  folder: RunFolder,
  engine: Engine,
  { set, seed, out, json }: { set: readonly string[]; seed: number; out: string | undefined; json: boolean },
): Promise<void> {
  if (out !== undefined && !/\.gif$/i.test(out)) throw new ArgumentError(`--out: expected a file .gif, got ${out}`);
  const { trial, run } = await reopen(folder, engine);
  const { world, physics } = physicsFor(trial, folder, set);
  const episode = await world.play(run, physics, seed);
  const file = out ?? join(folder.path, 'episode.gif');
  const drawn = await picture(world, physics, episode);
  if (drawn) await writeAtomic(file, drawn);
  const total = episode.rewards.reduce((a, b) => a + b, 0);
  if (json) {
    const { end, rewards } = episode;
    jsonLine({ event: 'done', return: total, length: rewards.length, end, physics, ...(drawn && { out: file }) });
    return;
  }
  line(table(['physics', 'value', 'unit', 'default'], physicsRows(world.environment, physics)));
  const how = { terminated: 'ended by itself', limit: 'cut off at the time limit' }[episode.end];
  line(`\na return of ${short(total)} in ${episode.rewards.length} steps, ${how}`);
  line(drawn ? `drawn to ${file}` : `no picture: there is no drawing of ${world.environment.name}`);
}

const physicsRows = ({ spec }: World, physics: Readonly<Record<string, number>>) =>
  Object.entries(spec.physics).map(([name, { unit, default: usual }]) => [
    name,
    String(physics[name]),
    unit,
    String(usual),
  ]);

/** The animated picture of an episode; undefined for a world that has no drawing. */
async function picture(
  { environment }: TrialWorld,
  physics: Readonly<Record<string, number>>,
  { moments }: Episode,
): Promise<Uint8Array | undefined> {
  // Loaded here: pictures are slow to load, and other commands need none.
  const [{ drawings, episodePictures }, { animation }] = await Promise.all([
    import('../report/worlds/index.ts'),
    import('../report/animation.ts'),
  ]);
  if (!(environment.name in drawings)) return undefined;
  const every = Math.max(1, Math.ceil(moments.length / 200));
  return animation(episodePictures(environment, physics, moments), { every });
}
