import { evaluate, zerosArray } from '../../tensor/index.ts';
import { checkInputs, checkInto, outputTypes } from '../check.ts';
import type { Engine } from '../engine.ts';

/**
 * The slow engine that defines what every operation means: plain loops in float64. It is the tests' oracle, the judge
 * of gradients, and the way to run float64 programs.
 * @example
 * const engine = referenceEngine();
 * const { program } = trace((x: Tensor) => exp(x), { dtype: 'float32', shape: [2] });
 * const run = await engine.compile(program);
 * const [y] = await run.run([ndarray([0, 1])]); // 1, 2.718
 */
export const referenceEngine = (): Engine => ({
  name: 'reference',
  direct: true,
  compile: async (program) => {
    const types = outputTypes(program);
    return {
      run: async (inputs, into) => {
        checkInputs(program, inputs);
        if (into) checkInto(program, types, into);
        const outputs = into ?? types.map(({ dtype, shape }) => zerosArray(dtype, shape));
        evaluate(program, inputs).forEach((value, i) => {
          outputs[i]!.data.set(value.data);
        });
        return outputs;
      },
      dispose: async () => {},
    };
  },
  dispose: async () => {},
});
