import { type AnyHead, codes, type Head, heads, hypernetwork, type TargetOptions } from 'hyperloom/hyper';
import * as nn from 'hyperloom/nn';
import {
  add,
  broadcastTo,
  concat,
  constant,
  equal,
  gather,
  mul,
  oneHot,
  reshape,
  type Tensor,
  where,
} from 'hyperloom/tensor';
import type { Carry, SymbolModel } from 'hyperloom/train';
import type { AuthorExample } from './authors.ts';
import { begun, bits, nats, type WindowOutput } from './characters.ts';

/** What a model of authors reads: who it is, and rows of text with the state before each. */
export interface AuthorInput {
  /** int32 []. */
  readonly code: Tensor;
  /** x int32 [rows, length]; state of each row. */
  readonly input: { readonly x: Tensor; readonly state?: unknown };
}

/** A model of authors whose trees of weights are not told apart. */
export interface AuthorModel {
  readonly name: string;
  readonly spec: unknown;
  init(key: Tensor): unknown;
  apply(params: never, input: AuthorInput, context?: nn.Context): WindowOutput;
}

/** Sizes that all models share. */
export interface AuthorModelSizes {
  readonly symbols: number;
  readonly hidden: number;
  /** Numbers in a code. */
  readonly code: number;
}

/** The language model of one author: an LSTM with layer norm that reads one-hot characters. */
export const language = ({ symbols, hidden }: Omit<AuthorModelSizes, 'code'>) =>
  nn.characterModel({ symbols, core: nn.lstm({ in: symbols, hidden, layerNorm: true }) });

/** Heads that may generate the language models: scales of stored weights, deltas to them, mixtures, or all of them. */
export const authorHeads = {
  scale: { head: heads.scale() },
  lowRank: { head: heads.lowRank({ rank: 4 }), base: true },
  core: { head: heads.lowRank({ rank: 4 }), base: true, generate: 'core.**' },
  experts: { head: heads.experts({ count: 4, gate: 'softmax' }) },
  dense: { head: heads.dense() },
} as const satisfies Readonly<Record<string, TargetOptions & { readonly head: AnyHead }>>;

/** A name of {@link authorHeads}. */
export type AuthorHead = keyof typeof authorHeads;

/** One hypernetwork: the whole language model of an author from the author's code; rows of one author share it. */
export const generated = (sizes: AuthorModelSizes, head: AuthorHead, names: readonly string[]) =>
  hypernetwork(nn.each(language(sizes)), {
    code: codes.embeddings({ names, size: sizes.code, even: true }),
    ...(authorHeads[head] as TargetOptions & { readonly head: Head<unknown> }),
  });

/** One language model for all authors, which does not know who it reads. */
export function shared(sizes: Omit<AuthorModelSizes, 'code'>): AuthorModel {
  const model = nn.each(language(sizes));
  return {
    ...model,
    name: 'shared',
    apply: (params, { input }, context) => model.apply(params, input as never, context),
  };
}

/** One language model that reads the author's code beside each character. */
export function told({ symbols, hidden, code: size }: AuthorModelSizes, names: readonly string[]): AuthorModel {
  const code = codes.embeddings({ names, size, even: true });
  const core = nn.lstm({ in: symbols + size, hidden, layerNorm: true });
  const out = nn.linear({ in: hidden, out: symbols });
  type Row = { readonly x: Tensor; readonly state?: never; readonly code: Tensor };
  const row = nn.each(
    nn.defineModule({
      name: 'row',
      spec: { core: core.spec, out: out.spec },
      apply: (params, { x, state, code: vector }: Row, context): WindowOutput => {
        const length = x.shape[0]!;
        const beside = broadcastTo(reshape(vector, [1, size]), [length, size]);
        const read = { x: concat([oneHot(x, symbols), beside], 1), ...(state !== undefined && { state }) };
        const after = nn.applyChild('core', { apply: core.unroll }, params.core, read, context);
        return { y: nn.applyChild('out', out, params.out, after.y, context), state: after.state };
      },
    }),
  );
  const model = nn.defineModule({
    name: 'told',
    spec: { code: code.spec, net: row.spec },
    apply: (params, { code: who, input }: AuthorInput, context): WindowOutput => {
      const vector = nn.applyChild('code', code, params.code, who, context);
      const rows = broadcastTo(reshape(vector, [1, size]), [input.x.shape[0]!, size]);
      return nn.applyChild('net', row, params.net, { ...input, code: rows } as never, context);
    },
  });
  return model as unknown as AuthorModel;
}

/** Mean negative log-likelihood of an author's characters, in nats: what is trained. */
export const authorNats = (output: WindowOutput, { characters }: AuthorExample<Tensor>['target']): Tensor =>
  nats(output, characters);

/** Bits per character of one of several authors, or of all: the mean over examples, of which each author has as many. */
export const bitsByAuthor =
  (which?: number, of = 1) =>
  (output: WindowOutput, { characters, author }: AuthorExample<Tensor>['target']): Tensor => {
    const own = bits(output, characters);
    return which === undefined ? own : where(equal(author, which), mul(own, of), 0);
  };

/** Carries the states of an author's rows from window to window of an LSTM of a width. */
export function authorCarry(width: number, rows: number): Carry {
  const held = { dtype: 'float32', shape: [rows, width] } as const;
  return {
    state: { layer0: { h: held, c: held } },
    write: ({ code, input: { x, fresh } }: AuthorExample<Tensor>['input'], state: unknown): AuthorInput => ({
      code,
      input: { x, state: begun(fresh, state) },
    }),
    read: ({ state }: WindowOutput) => state,
  };
}

/**
 * The language model of a code on the line between those of two authors, character by character, of the weights of the
 * hypernetwork: at share 0 that of the first, at 1 that of the second.
 */
export function writerBetween(
  model: ReturnType<typeof generated>,
  net: ReturnType<typeof language>,
  [from, to]: readonly [number, number],
  share: number,
): SymbolModel {
  const { size } = model.settings.code;
  const byVector = hypernetwork(model.target, {
    ...(model.settings as TargetOptions & { readonly head: Head<unknown> }),
    code: size,
  });
  return {
    state: net.state,
    step: (params: nn.Params<typeof model.spec>, input: Parameters<typeof net.step>[1]) => {
      const row = (author: number) => gather(params.code.table, constant(author, 'int32'));
      const code = add(mul(row(from), 1 - share), mul(row(to), share));
      return net.step(byVector.materialise({ ...params, code: {} }, code), input);
    },
  };
}
