/**
 * PyTorch's losses from the seeded weights and data, by workload and batch: before the first step, and after 20. They
 * are the first and last of `losses` of side `torch` in the file that this writes:
 *
 *     npm run bench -- --peers torch --short --json losses.json
 */
export const expectedLosses: Readonly<Record<string, readonly [first: number, after20: number]>> = {
  'mnist.128': [2.311818, 2.210635],
  'mnist.1000': [2.320166, 2.277874],
  'perExample.1024': [0.35974, 0.324224],
  'chunked.128': [2.31414, 1.511646],
  'chunkedLarge.128': [2.319428, 1.166231],
  'expertsConv.128': [2.376576, 2.07254],
  'adapters.16': [3.0151, 2.246313],
  'setEncoder.64': [18.248339, 8.703229],
  'inference.1': [-0.008554, -0.008554],
  'inference.256': [0.018545, 0.018545],
  'hyperLstmLong.32': [4.221199, 4.065535],
  'perExample.64': [0.363053, 0.262981],
  'perExampleConv.128': [2.424729, 1.345391],
  'denseHead.128': [2.306224, 0.007013],
  'hyperLstm.32': [4.2138, 3.913113],
  'lstm.32': [4.162034, 4.141642],
  'sampling.1': [7, 6],
  'sampling.100': [34.16, 32.18],
  'cartPole.4096': [0.042488, 0.045177],
};
