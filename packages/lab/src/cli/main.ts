import { exitCodes, main } from './command.ts';

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // A reader that goes away (| head) is no fault of the run.
  if (error.code === 'EPIPE') process.exit(exitCodes.done);
  process.stderr.write(`hyperloom: cannot write the output: ${error.message}\n`);
  process.exit(exitCodes.failed);
});

process.exitCode = await main(process.argv.slice(2));
