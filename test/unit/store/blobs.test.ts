import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { blobPath, hasBlob, putBlob, readBlob, readBlobJson, removeBlob, stage } from '#store/blobs.ts';
import { temporaryStore, unprivileged } from '#test/support/store.ts';

const digestOf = (bytes: string | Buffer) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
const content = Buffer.from('some content');
const expected = { digest: digestOf(content), size: content.length };

describe('stage()', () => {
  test('makes a blob visible under its digest only when it is whole', async () => {
    const store = temporaryStore();
    const staged = await stage(store, { limit: content.length });
    staged.write(content.subarray(0, 5));
    expect(hasBlob(store, expected.digest)).toBe(false);
    staged.write(content.subarray(5));
    expect(staged.digest()).toBe(expected.digest);
    expect(staged.size).toBe(content.length);
    expect(await staged.commit(expected)).toEqual(expected);
    staged.discard();
    expect(readFileSync(blobPath(store, expected.digest))).toEqual(content);
    expect(readdirSync(store.path('tmp'))).toEqual([]);
  });

  test.each([
    ['size', { ...expected, size: 13 }, `it has 12 bytes, not 13`],
    ['digest', { ...expected, digest: digestOf('other') }, `its content is ${expected.digest}`],
  ])('refuses another %s than announced, and leaves nothing', async (_what, announced, why) => {
    const store = temporaryStore();
    const staged = await stage(store);
    staged.write(content);
    await expect(staged.commit(announced)).rejects.toMatchObject({
      kind: 'corrupt',
      message: `Cannot store the blob ${announced.digest}: ${why}`,
    });
    expect(readdirSync(store.path('tmp'))).toEqual([]);
    expect(readdirSync(store.path('blobs', 'sha256'))).toEqual([]);
  });

  test('ends an endless blob at the first byte too many', async () => {
    const staged = await stage(temporaryStore(), { limit: 10 });
    staged.write(content.subarray(0, 10));
    expect(() => staged.write(Buffer.of(0))).toThrow('larger than the 10 bytes that were announced');
    staged.discard();
  });

  test('keeps many flushes in order with the end of the blob', async () => {
    const store = temporaryStore();
    const staged = await stage(store);
    const chunk = Buffer.alloc(8 * 1024 * 1024, 'x');
    for (let count = 0; count < 6; count += 1) staged.write(chunk);
    const { size } = await staged.commit();
    expect(size).toBe(6 * chunk.length);
    const other = await stage(store);
    for (let count = 0; count < 3; count += 1) other.write(chunk);
    other.discard();
    expect(readdirSync(store.path('tmp'))).toEqual([]);
  });

  test('writes of the same blob at once all succeed', async () => {
    const store = temporaryStore();
    await Promise.all(Array.from({ length: 8 }, () => putBlob(store, content, 'text/plain')));
    expect(readdirSync(store.path('blobs', 'sha256'))).toEqual([expected.digest.slice(7)]);
  });

  test.skipIf(unprivileged)('a full disk is one clear error', async () => {
    const store = temporaryStore();
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', store.path('tmp')], { stdio: 'pipe' });
    } catch {
      return; // No mounts here (a container without CAP_SYS_ADMIN): nothing can be filled.
    }
    onTestFinished(() => void execFileSync('umount', [store.path('tmp')]));
    const staged = await stage(store);
    expect(() => staged.write(Buffer.alloc(200_000))).toThrow(
      `Cannot write in "${store.path('tmp')}": no space left on the device`,
    );
    staged.discard();
    expect(readdirSync(store.path('tmp'))).toEqual([]);
  });
});

describe('readBlob()', () => {
  test('reads no more than the caller can take', async () => {
    const store = temporaryStore();
    await putBlob(store, content, 'text/plain');
    expect(readBlob(store, expected.digest, 12)).toEqual(content);
    expect(() => readBlob(store, expected.digest, 11)).toThrow('it has 12 bytes, at most 11 can be');
  });

  test('names a blob that is gone', () => {
    expect(() => readBlob(temporaryStore(), expected.digest)).toThrow(
      `Cannot read the blob ${expected.digest}: it is not in the store`,
    );
  });

  test('and readBlobJson() one that is no JSON', async () => {
    const store = temporaryStore();
    const { digest } = await putBlob(store, Buffer.from('{"a":1}'), 'application/json');
    expect(readBlobJson(store, digest)).toEqual({ a: 1 });
    writeFileSync(blobPath(store, digest), '{');
    expect(() => readBlobJson(store, digest)).toThrow('it is not valid JSON');
  });
});

test('putBlob() gives the descriptor, also of what is there already', async () => {
  const store = temporaryStore();
  for (let time = 0; time < 2; time += 1) {
    expect(await putBlob(store, content, 'text/plain')).toEqual({ mediaType: 'text/plain', ...expected });
  }
});

test('removeBlob() removes, and has nothing against an absent one', async () => {
  const store = temporaryStore();
  await putBlob(store, content, 'text/plain');
  removeBlob(store, expected.digest);
  removeBlob(store, expected.digest);
  expect(existsSync(blobPath(store, expected.digest))).toBe(false);
});
