/** Edits that turn one word into another; enough to find the one that was meant. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + Number(a[i - 1] !== b[j - 1])));
    row = next;
  }
  return row.at(-1)!;
}

/** The known name that is nearest to a given one; undefined when more than half of its letters would have to change. */
export const nearest = (name: string, known: readonly string[]): string | undefined =>
  known
    .map((k) => [distance(name.toLowerCase(), k.toLowerCase()), k] as const)
    .filter(([edits, k]) => edits <= k.length / 2)
    .sort(([a], [b]) => a - b)[0]?.[1];

/** A suggestion to end an error with; empty when no name is near. */
export function suggestion(name: string, known: readonly string[]): string {
  const near = nearest(name, known);
  return near === undefined ? '' : `; did you mean ${near}?`;
}
