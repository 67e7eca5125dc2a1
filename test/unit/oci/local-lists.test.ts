import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { findEntry, type ListEntry, readList, removeList, saveEntry } from '#oci/local-lists.ts';
import { MEDIA } from '#oci/manifest.ts';
import { sha256 } from '#test/support/registry.ts';
import { temporaryDirectory } from '#test/support/store.ts';

let directory: string;

beforeEach(() => {
  directory = temporaryDirectory();
  const before = process.env.DOCKER_CONFIG;
  process.env.DOCKER_CONFIG = directory;
  onTestFinished(() => {
    if (before === undefined) delete process.env.DOCKER_CONFIG;
    else process.env.DOCKER_CONFIG = before;
  });
});

const LIST = 'r.example:5000/a/list:1';

function entry(ref: string): ListEntry {
  const raw = Buffer.from('{\n "schemaVersion": 2\n}\n');
  const platform = { variant: 'v8', os: 'linux', architecture: 'arm64' };
  return { ref, raw, descriptor: { mediaType: MEDIA.manifest, digest: sha256(raw), size: raw.length, platform } };
}

test('a list is a directory and a manifest a file, as docker has them, byte for byte', () => {
  saveEntry(LIST, entry('r.example:5000/a/image:arm'));
  const path = join(directory, 'manifests', 'r.example-5000_a_list-1', 'r.example-5000_a_image-arm');
  const { raw, descriptor } = entry('');
  expect(readFileSync(path, 'utf8')).toBe(
    `{"Ref":"r.example:5000/a/image:arm","Descriptor":{"mediaType":"${MEDIA.manifest}","digest":"${descriptor.digest}",` +
      '"size":24,"platform":{"architecture":"arm64","os":"linux","variant":"v8"}},' +
      `"Raw":"${raw.toString('base64')}","OCIManifest":{"schemaVersion":2}}`,
  );
});

test('what was put into a list comes out in the order of the files', () => {
  for (const ref of ['r.example/b:1', 'r.example/a:1']) saveEntry(LIST, entry(ref));
  expect(readList(LIST)?.map((one) => one.ref)).toEqual(['r.example/a:1', 'r.example/b:1']);
  expect(findEntry(LIST, 'r.example/a:1')?.raw.equals(entry('').raw)).toBe(true);
  expect(findEntry(LIST, 'r.example/c:1')).toBeUndefined();
});

test('a list that is removed is gone, and one that never was is none', () => {
  expect(readList(LIST)).toBeUndefined();
  expect(removeList(LIST)).toBe(false);
  saveEntry(LIST, entry('r.example/a:1'));
  expect(removeList(LIST)).toBe(true);
  expect(readdirSync(join(directory, 'manifests'))).toEqual([]);
});

test('a file that is something else is named', () => {
  saveEntry(LIST, entry('r.example/a:1'));
  writeFileSync(join(directory, 'manifests', 'r.example-5000_a_list-1', 'other'), '{}');
  expect(() => readList(LIST)).toThrow(/^Cannot read ".*\/other": it is not a manifest of a list$/);
});
