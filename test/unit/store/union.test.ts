import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { members, openUnion, placeAt } from '#store/union.ts';
import { temporaryDirectory } from '#test/support/store.ts';
import { type Planted, plant } from '#test/support/tree.ts';

/** The paths of a union of these layers, the top one first. */
function shown(layers: Record<string, Planted>[], { marks = false, live = false } = {}): string[] {
  const root = temporaryDirectory();
  const places = layers.map((layer, at) => placeAt(plant(join(root, `${at}`), layer), { live: live && at === 0 }));
  using top = openUnion({ layers: places, marks });
  return [...members(top)].map(({ path }) => path);
}

for (const live of [false, true]) {
  const what = live ? 'a live top layer' : 'layers that nobody changes';

  test(`a deleted file, what is below an opaque directory and what another kind replaces do not show (${what})`, () => {
    const low = { 'a/gone': '1', 'a/kept': '1', 'b/old/file': '1', 'c/d/file': '1', e: 'file', 'f/x': '1', 'g/y': '1' };
    const high = {
      'a/gone': null,
      'b/old': { directory: 'opaque' as const },
      c: 'file',
      'e/in': '2',
      f: null,
      'g/z': '2',
    };
    expect(shown([high, low], { live })).toEqual(['a', 'a/kept', 'b', 'b/old', 'c', 'e', 'e/in', 'g', 'g/y', 'g/z']);
  });
}

test('what a middle layer hides stays hidden for all above it', () => {
  const layers = [{ 'a/top': '3' }, { a: { directory: 'opaque' as const }, b: null }, { 'a/low': '1', b: '1' }];
  expect(shown(layers)).toEqual(['a', 'a/top']);
});

test('names are sorted by bytes, each directory before what is in it', () => {
  expect(shown([{ 'a-b': '1', 'a/z': '1', 'a.b': '1', B: '1' }])).toEqual(['B', 'a', 'a/z', 'a-b', 'a.b']);
});

test('names with reserved beginnings are deletions where there is nothing better to say it with, else files', () => {
  const layers = [
    { '.wh.gone': '', 'o/.wh..wh..opq': '', 'o/new': '2' },
    { gone: '1', 'o/old': '1' },
  ];
  expect(shown(layers, { marks: true })).toEqual(['o', 'o/new']);
  expect(shown(layers)).toEqual(['.wh.gone', 'gone', 'o', 'o/.wh..wh..opq', 'o/new', 'o/old']);
});

test('a name in no encoding is found by its bytes', () => {
  const root = temporaryDirectory();
  writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.of(0x61, 0xff)]), '');
  using top = openUnion({ layers: [placeAt(root, { live: true })], marks: false });
  expect([...members(top)].map(({ path }) => path)).toEqual(['a\xff']);
});

test('a directory that is swapped for a link meanwhile is not followed', () => {
  const root = temporaryDirectory();
  plant(join(root, 'outside'), { secret: 'x' });
  plant(join(root, 'upper'), { 'a/b/c': '1' });
  using top = openUnion({ layers: [placeAt(join(root, 'upper'), { live: true })], marks: false });
  const seen: string[] = [];
  for (const { path } of members(top)) {
    seen.push(path);
    if (path !== 'a/b') continue;
    renameSync(join(root, 'upper/a/b'), join(root, 'upper/a/moved'));
    symlinkSync(join(root, 'outside'), join(root, 'upper/a/b'));
  }
  expect(seen).toEqual(['a', 'a/b']);
});

test('a parent that is swapped for a link does not lead elsewhere what is below it', () => {
  const root = temporaryDirectory();
  plant(join(root, 'outside'), { 'b/secret': 'x' });
  plant(join(root, 'upper'), { 'a/b/c': '1' });
  using top = openUnion({ layers: [placeAt(join(root, 'upper'), { live: true })], marks: false });
  using a = top.enter('a');
  renameSync(join(root, 'upper/a'), join(root, 'upper/moved'));
  symlinkSync(join(root, 'outside'), join(root, 'upper/a'));
  using b = a?.enter('b');
  expect(b?.names()).toEqual(['c']);
});

test('what goes while the tree is read is left out', () => {
  const root = temporaryDirectory();
  plant(root, { a: '1', 'b/c': '1', d: '1' });
  using top = openUnion({ layers: [placeAt(root, { live: true })], marks: false });
  const seen: string[] = [];
  for (const { path } of members(top)) {
    seen.push(path);
    if (path === 'a') rmSync(join(root, 'b'), { recursive: true });
    if (path === 'a') mkdirSync(join(root, 'new'));
  }
  expect(seen).toEqual(['a', 'd']);
});
