import { expect, test } from 'vitest';
import { lookAtRemote, partsOf } from '#image/remote-look.ts';
import { MEDIA } from '#oci/manifest.ts';
import { sha256, startRegistry, type TestRegistry } from '#test/support/registry.ts';

const partsIn = async (name: string) => partsOf(await lookAtRemote(name));

test('what a name stands for is shown with its configuration, by platform', async () => {
  const server = await startRegistry();
  const { manifest, config } = await server.addImage('a:one', { platform: { os: 'linux', architecture: 'arm64' } });
  server.addIndex('a:1', [{ ...manifest, platform: { os: 'linux', architecture: 'arm64' } }]);
  const look = await lookAtRemote(`${server.host}/a:1`);
  expect(look.index?.manifests).toMatchObject([{ digest: manifest.digest }]);
  expect(await partsOf(look)).toEqual(new Map([['linux/arm64', { image: JSON.parse(config.toString()) }]]));
});

test('a name that nothing stands for is said as buildx says it', async () => {
  const { host } = await startRegistry();
  await expect(lookAtRemote(`${host}/none:1`)).rejects.toMatchObject({
    kind: 'not-found',
    message: `${host}/none:1: not found`,
  });
});

test('a manifest that the registry has lost is named, not the index that is there', async () => {
  const server = await startRegistry();
  const { manifest } = await server.addImage('a:one');
  server.addIndex('a:1', [manifest]);
  server.manifests.delete(`a@${manifest.digest}`);
  await expect(partsIn(`${server.host}/a:1`)).rejects.toMatchObject({
    kind: 'not-found',
    message: `manifest for ${server.host}/a@${manifest.digest} not found: manifest unknown: manifest unknown`,
  });
});

test.each(['<html>', 'null', '{"os":{}}'])('a configuration of %s is told, and is no defect of ours', async (text) => {
  const server = await startRegistry();
  const bytes = Buffer.from(text);
  server.blobs.set(sha256(bytes), bytes);
  const change = ({ config, ...rest }: Record<string, unknown>) => ({
    ...rest,
    config: { ...(config as object), digest: sha256(bytes), size: bytes.length },
  });
  await server.addImage('a:1', { change });
  await expect(partsIn(`${server.host}/a:1`)).rejects.toMatchObject({
    kind: 'corrupt',
    message: expect.stringMatching(/^Cannot (?:read|use) the configuration of "127/),
  });
});

/** An image with what is said about it: the statement's bytes are at the registry as they are given. */
async function attested(server: TestRegistry, statement: string): Promise<string> {
  const { manifest } = await server.addImage('a:one', { platform: { os: 'linux', architecture: 'arm64' } });
  const blob = (text: string, mediaType: string) => {
    const bytes = Buffer.from(text);
    server.blobs.set(sha256(bytes), bytes);
    return { mediaType, digest: sha256(bytes), size: bytes.length };
  };
  const layer = {
    ...blob(statement, 'application/vnd.in-toto+json'),
    annotations: { 'in-toto.io/predicate-type': 'https://slsa.dev/provenance/v1' },
  };
  const said = { schemaVersion: 2, mediaType: MEDIA.manifest, config: blob('{}', MEDIA.config), layers: [layer] };
  const entry = server.put('a:said', MEDIA.manifest, Buffer.from(JSON.stringify(said)));
  const annotations = { 'vnd.docker.reference.digest': manifest.digest };
  const platform = { os: 'linux', architecture: 'arm64' };
  server.addIndex('a:1', [
    { ...manifest, platform },
    { ...entry, annotations },
  ]);
  return layer.digest;
}

test('what is said about an image is shown with it', async () => {
  const server = await startRegistry();
  await attested(server, '{"predicate":{"builder":"b"}}');
  const parts = await partsIn(`${server.host}/a:1`);
  expect(parts.get('linux/arm64')?.provenance).toEqual({ builder: 'b' });
});

test('a statement of another content than was promised is not believed', async () => {
  const server = await startRegistry();
  const digest = await attested(server, '{"predicate":{"builder":"b"}}');
  server.blobs.set(digest, Buffer.from('{"predicate":{"builder":"c"}}'));
  await expect(partsIn(`${server.host}/a:1`)).rejects.toMatchObject({
    kind: 'corrupt',
    message: `attestation verification failed for digest ${digest}`,
  });
});

test('a statement that is none is told', async () => {
  const server = await startRegistry();
  const digest = await attested(server, '<html>');
  await expect(partsIn(`${server.host}/a:1`)).rejects.toMatchObject({
    kind: 'corrupt',
    message: `Cannot read the attestation ${digest}: it is not valid JSON`,
  });
});
