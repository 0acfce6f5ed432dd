import { describe, expect, test } from 'vitest';
import * as nn from '../../nn/index.ts';
import { codes, heads, hypernetwork, plan } from '../index.ts';

const x = { dtype: 'float32', shape: [3] } as const;
const target = nn.mlp({ in: 3, hidden: [5], out: 2 });
const direct = 3 * 5 + 5 + 5 * 2 + 2;
const forward = 3 * 5 + 5 * 2;

describe('plan', () => {
  test('counts what a dense head takes, with a code for each example and with one code', () => {
    const { entries, direct: plain } = plan(target, { code: 4, input: x, batch: 8, heads: { dense: heads.dense() } });
    expect(plain).toEqual({ parameters: direct, multiplyAdds: forward, bytes: 4 * direct });
    const [entry] = entries;
    const parameters = 5 * direct;
    expect(entry).toMatchObject({
      title: 'dense',
      parameters,
      ratio: 5,
      generated: direct,
      multiplyAdds: { generation: 4 * direct, each: 4 * direct + forward, shared: (4 * direct) / 8 + forward },
      bytes: { parameters: 4 * parameters, each: 8 * 4 * direct, shared: 4 * direct },
      fits: true,
    });
    expect(entry!.takes).toEqual({
      parameters,
      multiplyAdds: 4 * direct + forward,
      bytes: 4 * parameters + 8 * 4 * direct,
    });
  });

  test('figures are those of the hypernetwork itself, for every candidate', () => {
    const options = { code: codes.embeddings({ count: 7, size: 4 }), generate: '*.weight' } as const;
    const { entries } = plan(target, { ...options, input: x, source: { dtype: 'int32', shape: [] } });
    for (const { head, parameters } of entries)
      expect(parameters).toBe(nn.countParams(hypernetwork(target as never, { ...options, head: head as never }).spec));
  });

  test('plans other heads for a hypernetwork that there is', () => {
    const model = hypernetwork(target, {
      code: codes.embeddings({ count: 7, size: 4 }),
      head: heads.dense(),
      generate: '*.weight',
      base: true,
      perCode: { count: 7, weights: 'layer1.bias' },
    });
    const { entries } = plan(model.target, {
      ...model.settings,
      input: x,
      source: { dtype: 'int32', shape: [] },
      heads: { same: model.settings.head, hidden: heads.dense({ hidden: [8] }) },
    });
    expect(entries[0]!.parameters).toBe(nn.countParams(model.spec));
    expect(entries[1]!.parameters).toBeGreaterThan(nn.countParams(model.spec));
  });

  test('every head is a candidate', () => {
    const made = plan(target, { code: 4, input: x }).entries.map(({ head }) => head.name);
    // A composition is of other heads, and gates alone are no network.
    const others = ['compose', 'gates', 'widths'];
    expect(Object.keys(heads).filter((name) => !others.includes(name) && !made.includes(name))).toEqual([]);
  });

  test('recommends the first that fits, and says why', () => {
    const of = (budget?: Parameters<typeof plan>[1]['budget']) =>
      plan(target, {
        code: 4,
        input: x,
        heads: { wide: heads.dense({ hidden: [64] }), plain: heads.dense() },
        ...(budget && { budget }),
      });
    expect(of({ parameters: 1e6 }).recommended).toBe('wide');
    expect(of({ parameters: 500 })).toMatchObject({
      recommended: 'plain',
      why: 'plain is the first that fits: 160 of 500 parameters.',
    });
    expect(of()).toMatchObject({
      recommended: 'plain',
      why: "plain is the first that fits: 160 of 320 parameters, no more than 10 times the target's.",
    });
    expect(of({ parameters: 100, bytes: 400 })).toMatchObject({
      why: 'None fits. The nearest is plain: 160 of 100 parameters, 768 of 400 bytes.',
    });
    expect(of({ parameters: 100 }).recommended).toBeUndefined();
  });

  test('a budget of multiply-adds counts one code for a batch when told so', () => {
    const of = (kind: 'each' | 'shared') =>
      plan(target, {
        code: 4,
        input: x,
        batch: 64,
        codes: kind,
        budget: { multiplyAdds: 40 },
        heads: { d: heads.dense() },
      });
    expect(of('each').recommended).toBeUndefined();
    expect(of('shared').recommended).toBe('d');
  });

  test('a head that cannot serve is set apart, with its reason', () => {
    const made = plan(target, { code: codes.none(), input: x });
    expect(made.unfit.map(({ title }) => title)).toContain('dense');
    expect(made.unfit[0]!.reason).toContain('expected a code of at least 1 element');
    expect(made.entries.map(({ title }) => title)).toContain('layerwise');
    // Without a code nothing is generated for each example.
    for (const { multiplyAdds, bytes } of made.entries) {
      expect(multiplyAdds.each).toBe(multiplyAdds.shared);
      expect(bytes.each).toBe(bytes.shared);
    }
  });

  test('misuse is one line', () => {
    expect(() => plan(target, { code: 4, input: x, batch: 0 })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: plan: expected a batch of at least 1, got 0]`,
    );
    expect(() => plan(target, { code: 4, input: x, budget: { bytes: -1 } })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: plan: expected a budget of positive numbers for parameters, multiplyAdds, bytes, got bytes -1]`,
    );
    expect(() =>
      plan(target, { code: codes.none(), input: x, heads: { dense: heads.dense() } }),
    ).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: plan: expected a head that can serve mlp, got none (dense: heads.dense: expected a code of at least 1 element, got none)]`,
    );
  });
});
