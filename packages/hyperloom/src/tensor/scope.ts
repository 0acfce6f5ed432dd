const stack: string[] = [];

/** The names of the layers being traced, outermost first, joined with dots; empty outside any. */
export const currentScope = (): string => stack.join('.');

/**
 * Traces `body` under a name. Errors raised inside begin with it, and every operation remembers it, which is how
 * profiles and pictures say which layer an operation came from.
 * @example
 * const y = named('conv2', () => relu(constant([-1, 1])));
 */
export function named<T>(name: string, body: () => T): T {
  if (name === '') return body();
  stack.push(name);
  try {
    return body();
  } finally {
    stack.pop();
  }
}

/** Traces `body` as if it stood in the given scope: how transformed operations keep the layer that they came from. */
export function inScope<T>(scope: string, body: () => T): T {
  const outer = stack.splice(0, stack.length, ...(scope === '' ? [] : [scope]));
  try {
    return body();
  } finally {
    stack.splice(0, stack.length, ...outer);
  }
}
