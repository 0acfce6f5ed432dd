import { InvalidArgumentError } from 'commander';

/** A whole number of at least `least`, for a flag. */
export const whole =
  (least: number) =>
  (text: string): number => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isSafeInteger(value) || value < least)
      throw new InvalidArgumentError(`expected a whole number of at least ${least}.`);
    return value;
  };

/** A number of at least `least`, for a flag. */
export const number =
  (least: number) =>
  (text: string): number => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isFinite(value) || value < least)
      throw new InvalidArgumentError(`expected a number of at least ${least}.`);
    return value;
  };

/** Gathers a flag that may be given several times. */
export const gathered = (value: string, before: readonly string[] = []): string[] => [...before, value];
