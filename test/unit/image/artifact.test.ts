import { expect, test } from 'vitest';
import { withArtifact } from '#image/artifact.ts';
import { MEDIA } from '#oci/manifest.ts';
import { sha256, startRegistry, type TestRegistry } from '#test/support/registry.ts';

const KIND = { type: 'application/x.recipe', configType: 'application/x.recipe.config', called: 'a recipe' };
const MIB = 1024 ** 2;

function blob(server: TestRegistry, bytes: Buffer) {
  server.blobs.set(sha256(bytes), bytes);
  return { mediaType: 'x/y', digest: sha256(bytes), size: bytes.length };
}

function put(server: TestRegistry, layers: object[]): void {
  const config = { ...blob(server, Buffer.from('{}')), mediaType: 'application/vnd.oci.empty.v1+json' };
  const manifest = { schemaVersion: 2, mediaType: MEDIA.manifest, artifactType: KIND.type, config, layers };
  server.put('a:1', MEDIA.manifest, Buffer.from(JSON.stringify(manifest)));
}

const partsOf = ({ host }: TestRegistry) => withArtifact(`${host}/a:1`, KIND, {}, ({ parts }) => parts());

test('the parts of an artifact come in their order', async () => {
  const server = await startRegistry();
  put(server, [blob(server, Buffer.from('one')), { ...blob(server, Buffer.from('two')), annotations: { a: 'b' } }]);
  expect((await partsOf(server)).map(({ bytes, annotations }) => [bytes.toString(), annotations])).toEqual([
    ['one', {}],
    ['two', { a: 'b' }],
  ]);
});

test('parts that fill the memory together are not asked for', async () => {
  const server = await startRegistry();
  const layer = blob(server, Buffer.alloc(4 * MIB));
  put(
    server,
    Array.from({ length: 5 }, () => layer),
  );
  await expect(partsOf(server)).rejects.toMatchObject({
    kind: 'invalid',
    message: `The manifest of ${server.host}/a:1 is malformed: its layers have ${20 * MIB} bytes, at most ${16 * MIB} can be`,
  });
  expect(server.asked.filter(({ path }) => path.includes('/blobs/'))).toEqual([]);
});

test.each([
  ['<html>', 'it is no JSON object'],
  ['null', 'it is no JSON object'],
])('an answer of %s is told', async (text, why) => {
  const server = await startRegistry();
  server.put('a:1', MEDIA.manifest, Buffer.from(text));
  await expect(partsOf(server)).rejects.toMatchObject({
    kind: 'invalid',
    message: `The manifest of ${server.host}/a:1 is malformed: ${why}`,
  });
});
