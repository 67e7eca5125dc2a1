import { chmodSync, lutimesSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type CompareOptions, compareTrees, type Placeholder } from '#store/changes.ts';
import { placeAt } from '#store/union.ts';
import { setxattr } from '#sys/ffi.ts';
import { temporaryDirectory, unprivileged } from '#test/support/store.ts';
import { type Planted, plant } from '#test/support/tree.ts';

type Tree = Record<string, Planted>;

/** The changes that an upper layer makes to lower ones, as `diff` prints them. */
function changes(upper: Tree, lower: Tree[], options: CompareOptions & { prepare?: (root: string) => void } = {}) {
  const root = temporaryDirectory();
  const layers = lower.map((tree, at) => placeAt(plant(join(root, `lower${at}`), tree)));
  const own = placeAt(plant(join(root, 'upper'), upper), { live: true });
  options.prepare?.(root);
  const found = compareTrees({ layers, marks: false }, { layers: [own, ...layers], marks: false }, options);
  return Array.from(found, ({ kind, path }) => `${kind} ${path}`);
}

const LOW: Tree = { 'etc/passwd': 'root', 'etc/group': 'root', 'home/user/file': 'x', 'var/log/a': '1' };

describe('compareTrees()', () => {
  test.each<[string, Tree, string[]]>([
    ['nothing', {}, []],
    ['a new file, and the directories above it as changed', { 'etc/new': '' }, ['C etc', 'A etc/new']],
    ['all of a new directory', { 'q/w/e': '' }, ['A q', 'A q/w', 'A q/w/e']],
    ['another size', { 'etc/passwd': 'longer' }, ['C etc', 'C etc/passwd']],
    ['nothing for a file that was copied up and left as it was', { 'etc/passwd': 'root' }, []],
    ['a deletion, not what was in it', { home: null }, ['D home']],
    ['a deletion inside', { 'home/user/file': null }, ['C home', 'C home/user', 'D home/user/file']],
    ['a directory in place of a file', { 'etc/passwd/in': '' }, ['C etc', 'C etc/passwd', 'A etc/passwd/in']],
    ['a file in place of a directory, not what was in it', { home: 'file' }, ['C home']],
    [
      'what an opaque directory hides',
      { home: { directory: 'opaque' }, 'home/new': '' },
      ['C home', 'A home/new', 'D home/user'],
    ],
    ['nothing for a deletion of what was not there', { nothing: null }, []],
    ['a link', { 'etc/link': { symlink: 'passwd' }, pipe: { fifo: true } }, ['C etc', 'A etc/link', 'A pipe']],
  ])('tells %s', (_what, upper, expected) => {
    expect(changes(upper, [LOW])).toEqual(expected);
  });

  test('tells another mode, also of a directory, and another time, but not of a directory', () => {
    const prepare = (root: string) => {
      chmodSync(join(root, 'upper/etc/passwd'), 0o600);
      chmodSync(join(root, 'upper/var'), 0o700);
      utimesSync(join(root, 'upper/etc/group'), 5, 5);
      utimesSync(join(root, 'upper/home'), 5, 5);
    };
    const upper: Tree = {
      'etc/passwd': 'root',
      'etc/group': 'root',
      var: { directory: true },
      home: { directory: true },
    };
    expect(changes(upper, [LOW], { prepare })).toEqual(['C etc', 'C etc/group', 'C etc/passwd', 'C var']);
  });

  test('takes times for the same where one of them has whole seconds only, as archives have them', () => {
    const root = temporaryDirectory();
    const [low, up] = [plant(join(root, 'low'), { a: '1', b: '1' }), plant(join(root, 'up'), { a: '1', b: '1' })];
    for (const [path, time] of [
      ['low/a', 5],
      ['up/a', 5.5],
      ['low/b', 5.25],
      ['up/b', 5.5],
    ] as const) {
      lutimesSync(join(root, path), time, time);
    }
    const layers = [placeAt(low)];
    const found = compareTrees({ layers, marks: false }, { layers: [placeAt(up), ...layers], marks: false });
    expect(Array.from(found, ({ path }) => path)).toEqual(['b']);
  });

  test.skipIf(unprivileged)('tells other capabilities', () => {
    const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex');
    const prepare = (root: string) => setxattr(join(root, 'upper/etc/passwd'), 'security.capability', capability);
    expect(changes({ 'etc/passwd': 'root' }, [LOW], { prepare })).toEqual(['C etc', 'C etc/passwd']);
  });

  test('tells all that an own layer has when asked to, but nothing of the layers below', () => {
    expect(changes({ 'etc/passwd': 'root' }, [LOW], { all: true })).toEqual(['C etc', 'C etc/passwd']);
  });

  test('sees through several layers, and what one of them hides', () => {
    const lower: Tree[] = [
      { 'a/b': null, 'c/new': '2' },
      { 'a/b': '1', 'a/d': '1', 'c/old': '1' },
    ];
    expect(changes({ 'a/b': '3', 'a/d': '9 more', 'c/old': null }, lower)).toEqual([
      'C a',
      'A a/b',
      'C a/d',
      'C c',
      'D c/old',
    ]);
  });

  test('compares trees that share nothing', () => {
    const root = temporaryDirectory();
    const union = (name: string, tree: Tree) => ({ layers: [placeAt(plant(join(root, name), tree))], marks: false });
    const found = compareTrees(union('a', LOW), union('b', { ...LOW, 'etc/group': 'other', new: '' }));
    expect(Array.from(found, ({ kind, path }) => `${kind} ${path}`)).toEqual(['C etc', 'C etc/group', 'A new']);
  });
});

describe('placeholders', () => {
  const placeholders = new Map<string, Placeholder>([
    ['dev', { kind: 'directory', deletable: false }],
    ['etc', { kind: 'directory', deletable: false }],
    ['etc/hosts', { kind: 'file', deletable: false }],
    ['etc/mtab', { kind: 'symlink', target: '/proc/mounts', deletable: true }],
    ['mark', { kind: 'file', deletable: true }],
  ]);
  const fresh: Tree = {
    dev: { directory: true },
    'etc/hosts': '',
    'etc/mtab': { symlink: '/proc/mounts' },
    mark: '',
  };

  test.each<[string, Tree, string[]]>([
    ['are no change as they are made', fresh, []],
    ['are changed when something is written into one', { ...fresh, mark: 'x' }, ['C mark']],
    [
      'are changed as directories when something else is beside them',
      { ...fresh, 'etc/new': '' },
      ['C etc', 'A etc/new'],
    ],
    ['are changed when a link leads elsewhere', { ...fresh, 'etc/mtab': { symlink: 'x' } }, ['C etc', 'C etc/mtab']],
    [
      'are deleted when they are not there',
      { dev: { directory: true }, etc: { directory: true } },
      ['C etc', 'D etc/mtab', 'D mark'],
    ],
  ])('%s', (_what, upper, expected) => {
    expect(changes(upper, [{ bin: '1' }], { placeholders })).toEqual(expected);
  });

  test('count only where the layers have nothing', () => {
    const prepare = (root: string) => {
      mkdirSync(join(root, 'lower0/etc'));
      writeFileSync(join(root, 'lower0/etc/hosts'), 'own');
    };
    expect(changes({ ...fresh, 'etc/hosts': 'other' }, [{}], { placeholders, prepare })).toEqual([
      'C etc',
      'C etc/hosts',
    ]);
  });
});
