import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from './imports.ts';

/** Something that no file of the repository may hold. Patterns are put together so that this file passes too. */
interface Ban {
  readonly what: string;
  readonly pattern: RegExp;
}

const folders = ['work', 'root', 'home', 'Users'].join('|');
const hosts = ['registry', 'files'].map((name) => `${name}\\.(npmjs|yarnpkg|npmmirror|pythonhosted)`).join('|');

export const bans: readonly Ban[] = [
  { what: 'an em dash', pattern: /\u2014/ },
  {
    what: 'an absolute path of one machine',
    pattern: new RegExp(`(^|[\\s"'\`(=:,])/(${folders})(/|[\\s"'\`),:]|$)`, 'm'),
  },
  { what: 'the host of a package registry', pattern: new RegExp(hosts) },
  { what: 'a resolved registry address', pattern: /"resolved": "https?:/ },
];

/** What is wrong with a text, one line each, such as `README.md:3 holds an em dash`. */
export function banned(path: string, text: string): string[] {
  if (bans.every(({ pattern }) => !pattern.test(text))) return [];
  return text
    .split('\n')
    .flatMap((line, i) => bans.filter((b) => b.pattern.test(line)).map(({ what }) => `${path}:${i + 1} holds ${what}`));
}

/** Text files that git tracks or would track, as `[path, text]`. */
export function textFiles(): [path: string, text: string][] {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: repository,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  return [...new Set(listed.split('\0'))]
    .filter((path) => path && existsSync(join(repository, path)))
    .map((path): [string, string] => [path, readFileSync(join(repository, path), 'utf8')])
    .filter(([, text]) => !text.includes('\0'));
}
