import { expect, it } from 'vitest';
import { banned, textFiles } from './prose.ts';

it('no file holds an em dash, a path of one machine or the host of a registry', () => {
  expect(textFiles().flatMap(([path, text]) => banned(path, text))).toEqual([]);
});

it('the rule itself names the file, the line and what is wrong', () => {
  const path = ['', 'home', 'ada', 'run'].join('/');
  const host = ['registry', 'npmjs', 'org'].join('.');
  const text = `fine: a/home/b\nweights \u2014 as arguments\ncd ${path}\n"${'resolved'}": "https://${host}/x.tgz"`;
  expect(banned('a.md', text).join('\n')).toMatchInlineSnapshot(`
    "a.md:2 holds an em dash
    a.md:3 holds an absolute path of one machine
    a.md:4 holds the host of a package registry
    a.md:4 holds a resolved registry address"
  `);
});
