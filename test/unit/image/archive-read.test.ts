import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { openArchive } from '#image/archive-file.ts';
import { readImages } from '#image/archive-read.ts';
import { MEDIA } from '#oci/manifest.ts';
import { archive, type Member } from '#test/support/archive.ts';
import { temporaryStore } from '#test/support/store.ts';

/** What is said of an archive of these files. */
async function refusal(...members: Member[]): Promise<unknown> {
  const opened = await openArchive(temporaryStore(), Readable.from([archive(...members)]));
  try {
    return readImages(opened, { os: 'linux', architecture: 'amd64' }, { exact: false });
  } catch (error) {
    return error;
  } finally {
    opened.close();
  }
}

test('an archive of indexes in indexes, each a hundred times, comes to an end', async () => {
  const blobs: Member[] = [];
  let manifests: object[] = [];
  for (let depth = 0; depth < 7; depth += 1) {
    const content = JSON.stringify({ schemaVersion: 2, manifests });
    const hex = createHash('sha256').update(content).digest('hex');
    blobs.push({ name: `blobs/sha256/${hex}`, content });
    const entry = { mediaType: MEDIA.index, digest: `sha256:${hex}`, size: content.length };
    manifests = Array.from({ length: 100 }, () => entry);
  }
  const top = { name: 'index.json', content: JSON.stringify({ schemaVersion: 2, manifests }) };
  expect(await refusal(top, ...blobs)).toMatchObject({
    kind: 'corrupt',
    message: 'Cannot load "stdin": its index leads to more than 1000 others',
  });
});

test.each([
  ['a\n\x1b[2J', 'a??[2J'],
  ['x'.repeat(100_000), 'x'.repeat(100)],
])('a file that is missing is named in one short line', async (name, shown) => {
  const content = JSON.stringify([{ Config: name, Layers: [] }]);
  expect(await refusal({ name: 'manifest.json', content })).toMatchObject({
    message: `Cannot load "stdin": the configuration "${shown}" is missing`,
  });
});
