import { expect, test } from 'vitest';
import { lookAtRemote, partsOf } from '#image/remote-look.ts';
import { sha256, startRegistry } from '#test/support/registry.ts';

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
