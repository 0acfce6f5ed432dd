import { exitCodes, main } from './command.ts';

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // A reader that goes away (| head) is no fault of the run: it goes on, unheard, to its report.
  if (error.code === 'EPIPE') {
    process.stdout.write = () => true;
    return;
  }
  process.stderr.write(`hyperloom: cannot write the output: ${error.message}\n`);
  process.exit(exitCodes.failed);
});

process.exitCode = await main(process.argv.slice(2));
