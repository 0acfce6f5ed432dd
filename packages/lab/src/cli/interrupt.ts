/** A signal for Ctrl-C, or a request to end. A second one ends the process. */
export function interruptible(): { readonly signal: AbortSignal; release(): void } {
  const stop = new AbortController();
  let stopped = 0;
  const onSignal = () => {
    // A second signal means it, unless it is the first one once more: npx passes on what the terminal sends already.
    if (stop.signal.aborted && performance.now() - stopped > 1_000) process.exit(1);
    if (!stop.signal.aborted) stopped = performance.now();
    stop.abort();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  return { signal: stop.signal, release: () => process.off('SIGINT', onSignal).off('SIGTERM', onSignal) };
}
