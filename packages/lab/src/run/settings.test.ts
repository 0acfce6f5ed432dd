import { expect, test } from 'vitest';
import { recipes } from '../recipes/index.ts';
import { settingsFrom } from './settings.ts';

const recipe = recipes.mnist!;

test('settings stand over those of a run that goes on, and these over the defaults', () => {
  const settings = settingsFrom(recipe, ['batch=64', 'full=true'], { batch: 32, control: false });
  expect(settings).toMatchObject({ batch: 64, full: true, control: false, epochs: 0, init: 'hyperfan' });
});

test('a wrong setting is one line', () => {
  const refused = (pair: string) => expect(() => settingsFrom(recipe, [pair]));
  refused('contorl=false').toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: --set: expected one of full, control, data, batch, epochs, learningRate, init, got "contorl"; did you mean control?]`,
  );
  refused('batch=many').toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: --set batch: expected a whole number, got "many"]`,
  );
  refused('batch=').toThrowErrorMatchingInlineSnapshot(`[ArgumentError: --set batch: expected a whole number, got ""]`);
  refused('batch=-5').toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: --set batch: expected a whole number of at least 0, got -5]`,
  );
  refused('batch=2.5').toThrow('--set batch: expected a whole number, got "2.5"');
  refused('learningRate=x').toThrow('--set learningRate: expected a number, got "x"');
  refused('full=yes').toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: --set full: expected true or false, got "yes"]`,
  );
  refused('init=papr').toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: --set init: expected one of hyperfan, paper, got "papr"]`,
  );
  refused('full').toThrowErrorMatchingInlineSnapshot(`[ArgumentError: --set: expected key=value, got "full"]`);
  refused('toString=1').toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: --set: expected one of full, control, data, batch, epochs, learningRate, init, got "toString"]`,
  );
});
