import { existsSync, readFileSync, statSync } from 'node:fs';
import { expect, test } from 'vitest';
import { openStore } from '#store/store.ts';
import { temporaryStore } from '#test/support/store.ts';

test('a new store is an OCI layout that only its owner may read', () => {
  const store = temporaryStore();
  expect(JSON.parse(readFileSync(store.path('oci-layout'), 'utf8'))).toEqual({ imageLayoutVersion: '1.0.0' });
  expect(statSync(store.root).mode & 0o077).toBe(0);
  for (const folder of ['blobs/sha256', 'layers', 'containers', 'names', 'volumes', 'networks', 'tmp']) {
    expect(existsSync(store.path(folder))).toBe(true);
  }
});

test('opening again changes nothing', () => {
  const store = temporaryStore();
  expect(openStore(store.host).root).toBe(store.root);
});

test('a store that cannot be made is one clear error', () => {
  const { host } = temporaryStore();
  expect(() => openStore({ ...host, root: '/dev/null/here' })).toThrow(
    'Cannot keep images and containers in "/dev/null/here/tmp": not a directory',
  );
});
