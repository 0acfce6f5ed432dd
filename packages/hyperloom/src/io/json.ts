export type { Json } from '../tensor/index.ts';

/** The first key that an object of a valid JSON document holds twice, where `JSON.parse` would keep the last. */
export function repeatedKey(document: string): string | undefined {
  const objects: Set<string>[] = [];
  for (let i = 0; i < document.length; i++) {
    const character = document[i];
    if (character === '{') objects.push(new Set());
    else if (character === '}') objects.pop();
    else if (character === '"') {
      const start = i++;
      // No regular expression: texts of many megabytes overflow its stack.
      while (document[i] !== '"') i += document[i] === '\\' ? 2 : 1;
      if (!isKey(document, i + 1)) continue;
      const key: string = JSON.parse(document.slice(start, i + 1));
      const keys = objects.at(-1);
      if (keys?.has(key)) return key;
      keys?.add(key);
    }
  }
  return undefined;
}

/** Whether a colon comes after the text that ended just before `end`. */
function isKey(document: string, end: number): boolean {
  let i = end;
  while (/\s/.test(document[i] ?? '')) i++;
  return document[i] === ':';
}

/** The path of the first value that JSON would change or drop, such as NaN or a function; undefined when there is none. */
export function lossyPath(value: unknown, path = ''): string | undefined {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return undefined;
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : path;
  if (typeof value !== 'object') return path;
  const prototype = Object.getPrototypeOf(value);
  if (!Array.isArray(value) && prototype !== Object.prototype && prototype !== null) return path;
  for (const [key, item] of Object.entries(value)) {
    const found = lossyPath(item, path === '' ? key : `${path}.${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
}
