import { describe, expect, test } from 'vitest';
import { parseGitAddress } from '#build/context/git-address.ts';

describe('what is a git repository', () => {
  test.each([
    ['git://host/repo', { remote: 'git://host/repo', ref: '', subdir: '' }],
    ['git://host/repo#main:web', { remote: 'git://host/repo', ref: 'main', subdir: 'web' }],
    ['https://host/a/b.git', { remote: 'https://host/a/b.git', ref: '', subdir: '' }],
    ['http://host:8080/b.git#:sub/dir/', { remote: 'http://host:8080/b.git', ref: '', subdir: 'sub/dir/' }],
    ['https://user:pw@host/b.git#v1', { remote: 'https://user:pw@host/b.git', ref: 'v1', subdir: '' }],
    ['git@host:a/b', { remote: 'git@host:a/b', ref: '', subdir: '' }],
    ['git@host:a/b.git#dev:x', { remote: 'git@host:a/b.git', ref: 'dev', subdir: 'x' }],
    ['ssh://git@host:22/a/b', { remote: 'ssh://git@host:22/a/b', ref: '', subdir: '' }],
    ['github.com/a/b', { remote: 'https://github.com/a/b', ref: '', subdir: '' }],
    ['git://host/repo?ref=v1&subdir=web', { remote: 'git://host/repo', ref: 'v1', subdir: 'web' }],
    ['git://host/repo?tag=v1', { remote: 'git://host/repo', ref: 'refs/tags/v1', subdir: '' }],
    ['git://host/repo?branch=refs/heads/a', { remote: 'git://host/repo', ref: 'refs/heads/a', subdir: '' }],
    [
      'git://host/repo?commit=abc&keep-git-dir&submodules=false&mtime=commit',
      {
        remote: 'git://host/repo',
        ref: '',
        subdir: '',
        checksum: 'abc',
        keepGitDir: true,
        submodules: false,
        commitTimes: true,
      },
    ],
    ['git://host/repo#:../../etc', { remote: 'git://host/repo', ref: '', subdir: 'etc' }],
  ])('%s is one', (text, address) => {
    expect(parseGitAddress(text)).toEqual(address);
  });

  test.each([
    '.',
    './a.git',
    '../a.git',
    '/srv/a.git',
    'https://host/a.tar.gz',
    'http://host/',
    'file:///srv/a.git',
    'name',
    '',
    'docker-image://busybox',
  ])('%s is none', (text) => {
    expect(parseGitAddress(text)).toBeUndefined();
  });
});

describe('queries that make no sense are refused in the words of BuildKit', () => {
  test.each([
    ['git://h/r?foo=1', 'unexpected query "foo"'],
    ['git://h/r?ref=', 'query "ref" has no value'],
    ['git://h/r?ref=a&ref=b', 'query "ref" has multiple values'],
    ['git://h/r?ref=a#b', 'ref conflicts: "b" vs "a"'],
    ['git://h/r?subdir=a#b:c', 'subdir conflicts: "c" vs "a"'],
    ['git://h/r?tag=a&branch=b', 'branch conflicts with tag'],
    ['git://h/r?keep-git-dir=x', 'invalid keep-git-dir value: "x"'],
    ['git://h/r?mtime=now', 'invalid mtime value: "now" (must be "checkout" or "commit")'],
  ])('%s', (text, words) => {
    expect(() => parseGitAddress(text)).toThrow(words);
  });
});

test.each(['https://host:99999/x.git', 'https://[bad/x.git#main'])('%s is no address of the web', (text) => {
  expect(() => parseGitAddress(text)).toThrow(/^(?:parse|Get) "https:/);
});
