import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hyperloom, jsonLines, spawned } from './testing.ts';

let root = '';
let run = '';
let other = '';
const brief = ['--seeds', '1', '--set', 'control=false', '--threads', '1'];
const tiny = ['hidden=8', 'hyper=4', 'code=2', 'streams=4', 'length=20'].flatMap((pair) => ['--set', pair]);
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'sample-'));
  [run, other] = [join(root, 'run'), join(root, 'other')];
  const text = join(root, 'rhyme.txt');
  await writeFile(text, 'the quick fox\n'.repeat(250));
  const trained = await hyperloom([
    ...['train', 'charlm', ...brief, ...tiny, '--set', `text=${text}`, '--set', 'learningRate=0.02'],
    ...['--steps', '60', '--out', run, '--json'],
  ]);
  expect([trained.code, trained.err]).toEqual([0, '']);
  const plain = await hyperloom(['train', 'pareto-toy', ...brief, '--steps', '1', '--out', other, '--json']);
  expect([plain.code, plain.err]).toEqual([0, '']);
}, 60_000);
afterAll(() => rm(root, { recursive: true }));

const sample = (...args: string[]) => hyperloom(['sample', run, '--threads', '1', ...args]);

describe('hyperloom sample', () => {
  test('the report shows how the gates move under a text that the model wrote', async () => {
    const svg = await readFile(join(run, 'report', 'gates.svg'), 'utf8');
    const signs = [...svg.matchAll(/<title>(candidate g) at &quot;(.+?)&quot;: ([\d.e-]+)</g)];
    expect(signs).toHaveLength(240);
    expect(signs.map(([, , sign]) => sign).join('')).toContain('quick');
    expect(Math.max(...signs.map(([, , , value]) => Number(value)))).toBeGreaterThan(0);
  });

  test('goes on from the prompt, the same for the same seed, and as JSON', async () => {
    const options = ['--prompt', 'the q', '--length', '100', '--temperature', '1'];
    const first = await sample(...options);
    expect([first.code, first.err]).toEqual([0, '']);
    expect(first.out).toMatch(/^the q[the quickfox\n]{100}\n$/);
    expect((await sample(...options)).out).toBe(first.out);
    expect((await sample(...options, '--seed', '1')).out).not.toBe(first.out);
    const json = await sample(...options, '--json');
    const [{ seconds, ...said }] = jsonLines(json.out) as [Record<string, unknown>];
    expect(said).toEqual({ event: 'done', prompt: 'the q', text: first.out.slice(5, -1), temperature: 1, seed: 0 });
    expect(seconds).toBeGreaterThan(0);
  }, 30_000);

  test('at temperature 0 writes what is likeliest, whatever the seed', async () => {
    const options = ['--length', '42', '--temperature', '0'];
    const [first, second] = [await sample(...options), await sample(...options, '--seed', '5')];
    expect(second.out).toBe(first.out);
    expect(first.out.slice(1, -1)).toBe('the quick fox\n'.repeat(3));
  }, 30_000);

  test('what does not fit is refused on one line', async () => {
    const refused = async (...args: string[]) => {
      const { code, out, err } = await hyperloom(['sample', ...args]);
      expect([code, out]).toEqual([2, '']);
      return err.replaceAll(root, '');
    };
    expect([
      await refused(run, '--prompt', 'the Q'),
      await refused(run, '--prompt', ''),
      await refused(run, '--temperature', '-1'),
      await refused(run, '--length', '0'),
      await refused(run, '--code', '1,2'),
      await refused(run, '--share', '0.25'),
      await refused(other),
      await refused(root),
    ]).toMatchInlineSnapshot(`
      [
        "hyperloom: --prompt: expected characters that the model has read ("\\n cefhikoqtux"), got "Q"
      ",
        "hyperloom: --prompt: expected at least one character, got none
      ",
        "hyperloom: option '--temperature <t>' argument '-1' is invalid. expected a number of at least 0.
      ",
        "hyperloom: option '--length <n>' argument '0' is invalid. expected a whole number of at least 1.
      ",
        "hyperloom: --code: expected none for the layer-norm HyperLSTM, got "1,2"
      ",
        "hyperloom: --share: expected --between beside it, got 0.25 alone
      ",
        "hyperloom: expected a run of a language model, such as charlm, got /other, a run of pareto-toy
      ",
        "hyperloom: expected a folder with a run, got , which has no config.json
      ",
      ]
    `);
  }, 30_000);

  test('eval and export take such a run too; inspect and generate say why not', async () => {
    const evaluated = await hyperloom(['eval', run, '--threads', '1', '--json']);
    expect([evaluated.code, evaluated.err]).toEqual([0, '']);
    expect((jsonLines(evaluated.out)[0] as { metrics: Record<string, number> }).metrics['test.bits']).toBeLessThan(1);
    const out = join(root, 'model.onnx');
    const exported = await hyperloom(['export', run, '--threads', '1', '--out', out, '--json']);
    expect([exported.code, exported.err]).toEqual([0, '']);
    const { error, inputs, outputs } = jsonLines(exported.out)[0] as Record<string, unknown>;
    expect(error).toBeLessThan(1e-5);
    const state = { 'layer0.h': 8, 'layer0.c': 8, 'layer0.hyper.h': 4, 'layer0.hyper.c': 4 };
    const states = (side: string) =>
      Object.fromEntries(Object.entries(state).map(([name, size]) => [`${side}.state.${name}`, ['batch', size]]));
    expect(inputs).toEqual({ 'input.x': ['batch', 20], ...states('input') });
    expect(outputs).toEqual({ 'output.y': ['batch', 20, 13], ...states('output') });
    for (const verb of ['inspect', 'generate']) {
      const { code, err } = await hyperloom([verb, run, '--threads', '1']);
      expect([code, err]).toEqual([
        2,
        'hyperloom: expected a hypernetwork that generates weights from a code, got characterModel, whose weights are stored\n',
      ]);
    }
  }, 30_000);

  test('writes as it goes, and ends with what there is at Ctrl-C', async () => {
    let killed = false;
    const options = ['--length', '100000000', '--threads', '1'];
    const { code, out, err } = await spawned(['sample', run, ...options], (text, kill) => {
      if (killed || text.length < 100) return;
      killed = true;
      kill('SIGINT');
    });
    expect([code, err]).toEqual([1, 'hyperloom: stopped\n']);
    expect(out.length).toBeGreaterThan(100);
    expect(out.endsWith('\n')).toBe(true);
  }, 30_000);

  test('ends quietly when its reader goes away', async () => {
    const ended = await spawned(['sample', run, '--length', '100000000', '--threads', '1'], undefined, { leave: true });
    expect([ended.code, ended.err]).toEqual([0, '']);
  }, 30_000);
});

describe('hyperloom sample of a hypernetwork', () => {
  let path = '';
  beforeAll(async () => {
    path = join(root, 'authors');
    const sizes = [
      'authors=bible,austen',
      'characters=20000',
      'newText=2000',
      'hidden=16',
      'code=2',
      'rows=2',
      'length=20',
    ];
    const trained = await hyperloom([
      ...['train', 'authors', ...brief, ...sizes.flatMap((pair) => ['--set', pair])],
      ...['--steps', '100', '--out', path, '--json'],
    ]);
    expect([trained.code, trained.err]).toEqual([0, '']);
  }, 60_000);
  const text = async (...args: string[]) => {
    const { out } = await hyperloom(['sample', path, '--length', '60', '--seed', '2', '--threads', '1', ...args]);
    return out;
  };

  test('writes by the code of a name, and by codes on the line between two', async () => {
    const [bible, austen, carroll] = [
      await text('--code', 'bible'),
      await text('--code', 'austen'),
      await text('--code', 'carroll'),
    ];
    expect(new Set([bible, austen, carroll]).size).toBe(3);
    expect(await text('--between', 'bible,austen', '--share', '0')).toBe(bible);
    expect(await text('--between', 'bible,austen', '--share', '1')).toBe(austen);
    const middle = await text('--between', 'bible, austen');
    expect(middle).toHaveLength(bible.length);
    expect(await text('--between', 'austen,bible', '--share', '0.5')).toBe(middle);
  }, 60_000);

  test('what lies between nothing is refused', async () => {
    const refused = async (from: string, ...args: string[]) => {
      const { code, out, err } = await hyperloom(['sample', from, '--threads', '1', ...args]);
      expect([code, out]).toEqual([2, '']);
      return err;
    };
    expect([
      await refused(path, '--between', 'bible'),
      await refused(path, '--between', 'bible,milton'),
      await refused(path, '--between', 'bible,austen', '--share', '1.5'),
      await refused(path, '--between', 'bible,austen', '--code', 'bible'),
      await refused(path, '--code', 'milton'),
      await refused(run, '--between', 'a,b'),
    ]).toMatchInlineSnapshot(`
      [
        "hyperloom: --between: expected two of bible, austen, carroll for the hypernetwork, got "bible"
      ",
        "hyperloom: --between: expected two of bible, austen, carroll for the hypernetwork, got "bible,milton"
      ",
        "hyperloom: --share: expected a number from 0 to 1, got 1.5
      ",
        "hyperloom: --between: expected no --code beside it, got one
      ",
        "hyperloom: --code: expected bible, austen, carroll for the hypernetwork, got "milton"
      ",
        "hyperloom: --between: expected none for the layer-norm HyperLSTM, got "a,b"
      ",
      ]
    `);
  });
});
