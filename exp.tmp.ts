import { readAuthors, authorBatches, authorTests, library } from './packages/lab/src/recipes/tasks/authors.ts';
import { generated, shared, told, language, authorHeads } from './packages/lab/src/recipes/tasks/authorModels.ts';
import { bitsPerCharacter, carryState, begun } from './packages/lab/src/recipes/language.ts';
import { matched } from './packages/lab/src/recipes/concatenation.ts';
import { ortEngine } from 'hyperloom/engine/ort';
import { train } from 'hyperloom/train';
import * as nn from 'hyperloom/nn';
import * as optim from 'hyperloom/optim';
const E = process.env;
const n = (k: string, d: number) => Number(E[k] ?? d);
const names = Object.keys(library);
const t = await readAuthors({ names, characters: n('CH', 300000), later: 4000 });
const symbols = t.vocabulary.size;
const [rows, length, hidden, steps, code] = [n('R', 8), n('T', 50), n('H', 128), n('S', 100), n('C', 8)];
const engine = ortEngine({ threads: 1, spinning: false });
const data = authorBatches({ texts: t.texts.map((x) => x.train), rows, length });
const val = authorTests({ texts: t.texts.map((x) => x.validation), rows, length });
const lang = language({ symbols, hidden });
const state = (w: number) => { const c = { layer0: { h: { dtype: 'float32', shape: [rows, w] }, c: { dtype: 'float32', shape: [rows, w] } } }; return c; };
for (const which of (E.M ?? 'scale').split(',')) {
  let model: any, w = hidden;
  const base = generated({ symbols, hidden, code }, (E.HEAD ?? 'scale') as never, names);
  const total = nn.countParams(base.spec);
  if (which === 'shared') { if (!E.SAMEH) { const m = matched(total, (k) => shared({ symbols, hidden: k })); w = (m.spec as any).out.weight.shape[0]; } model = shared({ symbols, hidden: w }); }
  else if (which === 'told') { const m = matched(total, (k) => told({ symbols, hidden: k, code }, names)); w = (m.spec as any).net.out.weight.shape[0]; model = m; }
  else model = generated({ symbols, hidden, code }, which as never, names);
  const carry = { state: state(w), write: ({ code, input: { x, fresh } }: any, s: any) => ({ code, input: { x, state: begun(fresh, s) } }), read: (o: any) => o.state };
  const t0 = performance.now(); let t1 = 0; let c1: any;
  const loss = (o: any, { characters }: any) => bitsPerCharacter(o, characters);
  const run = await train(model, {
    data, carry: carry as never, loss: loss as never, steps, engine, seed: n('SEED', 0), logEvery: Math.max(1, Math.round(steps / 10)),
    optimizer: optim.chain(optim.clipByGlobalNorm(1), optim.adam(optim.cosine({ initial: n('LR', 0.01), end: 0, steps }))),
    onEvent: (e: any) => { if (e.event === 'start') { t1 = performance.now(); c1 = process.cpuUsage(); } if (e.event === 'step' && E.V) console.log(e.step, e.loss.toFixed(3), e.gradientNorm.toFixed(2)); },
  });
  const t2 = performance.now(); const cpu = process.cpuUsage(c1).user / 1e3;
  const bits = await run.evaluate(val as never, { bits: loss as never }, { carry: carry as never });
  console.log(which, 'H', w, 'params', nn.countParams(model.spec), 'steps', steps, 'bits', bits.bits!.toFixed(4), 'compile', ((t1 - t0) / 1000).toFixed(1), "cpu/step", (cpu / steps).toFixed(1), "ms/step", ((t2 - t1) / steps).toFixed(1), 'eval s', ((performance.now() - t2) / 1000).toFixed(1), 'chars', steps * 8 * rows * length, 'perEpoch', data.perEpoch, 'V', symbols);
  await run.dispose();
}
await engine.dispose();
