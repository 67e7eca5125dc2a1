import { describe, expect, test } from 'vitest';
import { differences, type Node, type Tree, treePlan } from '#store/layer-tree.ts';
import type { Entry } from '#store/tar.ts';
import type { Namespace } from '#sys/host.ts';

const time = { seconds: 7, nanoseconds: 0 };
const entry = (name: string, change: Partial<Entry> = {}): Entry => ({
  kind: 'file',
  name,
  linkName: '',
  size: 1,
  mode: 0o644,
  uid: 1,
  gid: 2,
  modified: time,
  accessed: time,
  major: 0,
  minor: 0,
  attributes: [],
  ...change,
});
const directory = (name: string) => entry(name, { kind: 'directory', mode: 0o700, size: 0 });
const link = (kind: 'link' | 'symlink', name: string, linkName: string) => entry(name, { kind, linkName, size: 0 });

function plan(entries: Entry[], namespace: Namespace = 'root'): Tree {
  const { add, tree } = treePlan(namespace);
  for (const one of entries) add(one);
  return tree;
}

const kinds = (tree: Tree) => Object.fromEntries([...tree].map(([name, { kind }]) => [name, kind]));

describe('the tree that an archive stands for', () => {
  test.each<[string, Entry[], Record<string, Node['kind']>]>([
    ['parents that are not named are directories', [entry('a/b')], { a: 'directory', 'a/b': 'file' }],
    ['names that climb stay inside', [entry('../../etc/x')], { etc: 'directory', 'etc/x': 'file' }],
    ['the root itself is not in it', [directory('./')], {}],
    ['the later member takes the place', [entry('a/b'), entry('a')], { a: 'file' }],
    ['a directory that is named again stays', [entry('a/b'), directory('a')], { a: 'directory', 'a/b': 'file' }],
    ['a whiteout hides', [entry('a/.wh.b')], { a: 'directory', 'a/b': 'whiteout' }],
    ["the layer's own file stays under a whiteout", [entry('b'), entry('.wh.b')], { b: 'file' }],
    ['nothing is below a whiteout', [entry('.wh.a'), entry('a/.wh.b')], { a: 'whiteout' }],
    ['an opaque directory is one', [entry('a/.wh..wh..opq')], { a: 'directory' }],
    ['what AUFS kept is left out', [entry('.wh..wh.plnk/x')], {}],
    [
      'links on the way are followed',
      [directory('usr'), link('symlink', 'lib', '/usr'), entry('lib/x')],
      { usr: 'directory', lib: 'symlink', 'usr/x': 'file' },
    ],
    ['a hard link is a file', [entry('a'), link('link', 'b', 'a')], { a: 'file', b: 'file' }],
  ])('%s', (_, entries, expected) => expect(kinds(plan(entries))).toEqual(expected));

  test('devices are left out where the kernel refuses them', () => {
    const device = entry('null', { kind: 'character-device', major: 1, minor: 3 });
    expect(kinds(plan([device]))).toEqual({ null: 'character-device' });
    expect(kinds(plan([device], 'user'))).toEqual({});
  });

  test('with a single id owners say nothing', () => {
    expect(plan([entry('a')], 'single').get('a')?.uid).toBeUndefined();
  });

  test('hard links share what they are', () => {
    const tree = plan([entry('a'), entry('b', { kind: 'link', linkName: 'a', mode: 0o600, uid: 9 })]);
    expect(tree.get('a')).toBe(tree.get('b'));
    expect(tree.get('a')).toMatchObject({ mode: 0o600, uid: 9 });
  });
});

describe('what differs is said', () => {
  const is: Node = { kind: 'file', mode: 0o644, uid: 1, gid: 2, size: 1, modified: 7 };
  test.each<[string, Tree, string[]]>([
    ['nothing', new Map([['a', is]]), []],
    ['an absent file', new Map(), ['"a" is missing']],
    ['another kind', new Map([['a', { ...is, kind: 'fifo' }]]), ['"a" is a fifo, not a file']],
    ['a size', new Map([['a', { ...is, size: 2 }]]), ['"a" has 2 bytes, not 1']],
    ['a mode', new Map([['a', { ...is, mode: 0o600 }]]), ['"a" has the mode 600, not 644']],
    ['an owner', new Map([['a', { ...is, gid: 3 }]]), ['"a" belongs to 1:3, not 1:2']],
    ['another content of the same size', new Map([['a', { ...is, modified: 8 }]]), ['"a" was changed']],
    [
      'a file too much',
      new Map([
        ['a', is],
        ['b\n', is],
      ]),
      ['"b?" is not in the layer'],
    ],
    [
      'the mark of an opaque directory',
      new Map([
        ['a', is],
        ['.wh..wh..opq', is],
      ]),
      [],
    ],
  ])('%s', (_, actual, expected) => expect(differences(plan([entry('a')]), actual)).toEqual(expected));

  test('only the first of many', () => {
    expect(differences(plan(['a', 'b', 'c'].map((name) => entry(name))), new Map(), 2)).toHaveLength(2);
  });
});
