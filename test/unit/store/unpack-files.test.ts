import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openStore, type Store } from '#store/store.ts';
import { isArchive, isArchiveFile, unpackFiles } from '#store/unpack-files.ts';

const folder = mkdtempSync(join(tmpdir(), 'wherry-unpack-'));
const at = (name: string) => join(folder, name);
let store: Store;

beforeAll(() => {
  mkdirSync(at('store'));
  store = openStore({ root: at('store'), runtime: at('run'), namespace: 'single' } as never);
  mkdirSync(at('files/sub'), { recursive: true });
  writeFileSync(at('files/sub/.wh.name'), 'no whiteout\n', { mode: 0o640 });
  execFileSync('tar', ['-C', at('files'), '-cf', at('a.tar'), '.']);
  for (const program of ['gzip', 'xz', 'bzip2']) {
    writeFileSync(at(`a.${program}`), execFileSync(program, ['-c', at('a.tar')]));
  }
  writeFileSync(at('text'), 'FROM scratch\n'.repeat(100));
  writeFileSync(at('text.gz'), execFileSync('gzip', ['-c', at('text')]));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('an archive is known by its content', () => {
  test.each(['a.tar', 'a.gzip', 'a.xz', 'a.bzip2'])('%s', (name) => {
    expect(isArchiveFile(at(name))).toBe(true);
    expect(isArchive(readFileSync(at(name)).subarray(0, 1024))).toBe(true);
  });

  test('text is none, nor is compressed text that ADD is given, nor zeros', () => {
    expect(isArchiveFile(at('text'))).toBe(false);
    expect(isArchiveFile(at('text.gz'))).toBe(false);
    expect(isArchive(Buffer.alloc(1024))).toBe(false);
    expect(isArchive(Buffer.from('FROM scratch'))).toBe(false);
  });
});

test.each(['a.tar', 'a.gzip', 'a.xz', 'a.bzip2'])(
  '%s is unpacked, and what marks deletions in layers is a name like any other',
  async (name) => {
    mkdirSync(at(`out-${name}`));
    await unpackFiles(store, at(name), at(`out-${name}`));
    expect(readFileSync(at(`out-${name}/sub/.wh.name`), 'utf8')).toBe('no whiteout\n');
    expect(statSync(at(`out-${name}/sub/.wh.name`)).mode & 0o777).toBe(0o640);
  },
);

test('what leads out of the directory stays in it', async () => {
  execFileSync('tar', ['-C', folder, '-P', '--transform=s,^text$,../../escaped,', '-cf', at('evil.tar'), 'text']);
  mkdirSync(at('evil'));
  await unpackFiles(store, at('evil.tar'), at('evil'));
  expect(existsSync(join(folder, '../escaped'))).toBe(false);
  expect(existsSync(at('evil/escaped'))).toBe(true);
});

test('a damaged archive is said to be one', async () => {
  writeFileSync(at('cut.gz'), readFileSync(at('a.gzip')).subarray(0, 60));
  mkdirSync(at('cut'));
  await expect(unpackFiles(store, at('cut.gz'), at('cut'))).rejects.toMatchObject({ kind: 'corrupt' });
});
