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

function put(server: TestRegistry, layers: object[]) {
  const config = { ...blob(server, Buffer.from('{}')), mediaType: 'application/vnd.oci.empty.v1+json' };
  const manifest = { schemaVersion: 2, mediaType: MEDIA.manifest, artifactType: KIND.type, config, layers };
  return server.put('a:1', MEDIA.manifest, Buffer.from(JSON.stringify(manifest)));
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

test('an image is no artifact, and an index leads to the last one in it', async () => {
  const server = await startRegistry();
  const image = await server.addImage('a:1');
  await expect(partsOf(server)).rejects.toMatchObject({
    kind: 'invalid',
    message: `${server.host}/a:1 is not a recipe OCI artifact, but application/vnd.oci.image.config.v1+json`,
  });
  server.addIndex('a:1', [image.manifest]);
  await expect(partsOf(server)).rejects.toMatchObject({
    message: `OCI index ${server.host}/a:1 doesn't refer to recipe artifacts`,
  });
  const entries = ['one', 'two'].map((text) => put(server, [blob(server, Buffer.from(text))]));
  server.addIndex('a:1', [image.manifest, ...entries.map((entry) => ({ ...entry, artifactType: KIND.type }))]);
  expect((await partsOf(server)).map(({ bytes }) => bytes.toString())).toEqual(['two']);
});

test.each([
  ['<html>', 'it is not valid JSON'],
  ['null', 'it is not a JSON object'],
])('an answer of %s is told, and another place may have a better one', async (text, why) => {
  const server = await startRegistry();
  server.put('a:1', MEDIA.manifest, Buffer.from(text));
  await expect(partsOf(server)).rejects.toMatchObject({
    kind: 'corrupt',
    message: `Cannot read the manifest of "${server.host}/a:1": ${why}`,
  });
});
