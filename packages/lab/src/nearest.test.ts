import { expect, test } from 'vitest';
import { nearest, suggestion } from './nearest.ts';

test('the nearest name is the one with fewest edits', () => {
  expect(nearest('epocs', ['epochs', 'learningRate'])).toBe('epochs');
  expect(nearest('LEARNINGRATE', ['epochs', 'learningRate'])).toBe('learningRate');
  expect(nearest('gone', ['mnist', 'sinusoid'])).toBeUndefined();
  expect(nearest('x', [])).toBeUndefined();
});

test('an error ends with a suggestion only where a name is near', () => {
  expect(suggestion('hamlt', ['hamlet', 'emma'])).toBe('; did you mean hamlet?');
  expect(suggestion('ulysses', ['hamlet', 'emma'])).toBe('');
});
