import { currentScope } from './scope.ts';

/**
 * Base of the errors that Hyperloom raises on purpose: one line that says where, what was expected, what was got.
 * Raised inside a layer, it names the layer: `linear "head.out": expected [..., 64], got [32, 48]`.
 */
export class HyperloomError extends Error {
  override readonly name: string = 'HyperloomError';
  constructor(message: string, options?: ErrorOptions) {
    super(located(message, currentScope()), options);
  }
}

/** Puts the layer's name behind what failed in it: `linear: expected ...` becomes `linear "head.out": expected ...`. */
function located(message: string, scope: string): string {
  if (scope === '') return message;
  const [, what, rest] = /^([\w.]+): (.*)$/s.exec(message) ?? [];
  return what === undefined ? `"${scope}": ${message}` : `${what} "${scope}": ${rest}`;
}

/** Shapes that do not fit each other. Raised when a program is traced, before anything runs. */
export class ShapeError extends HyperloomError {
  override readonly name = 'ShapeError';
}

/** Element types that do not fit each other, or that an operation or engine cannot take. */
export class DTypeError extends HyperloomError {
  override readonly name = 'DTypeError';
}

/** A wrong argument: an option out of range, an unknown name, a tree of another structure. */
export class ArgumentError extends HyperloomError {
  override readonly name = 'ArgumentError';
}

/** A file or byte stream that is not what its reader expects. */
export class FormatError extends HyperloomError {
  override readonly name = 'FormatError';
}

/** A fault inside an engine while it compiled or ran a program. */
export class EngineError extends HyperloomError {
  override readonly name = 'EngineError';
}
