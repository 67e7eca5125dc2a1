import { expect, test } from 'vitest';
import { fetchEntry, fetchList } from '#image/remote-entry.ts';
import { parseReference } from '#oci/reference.ts';
import { startRegistry } from '#test/support/registry.ts';

test('a manifest is described with the platform that its configuration has', async () => {
  const server = await startRegistry();
  const { manifest } = await server.addImage('a:1', {
    platform: { os: 'linux', architecture: 'arm64', variant: 'v8' },
  });
  const found = await fetchEntry(parseReference(`${server.host}/a:1`), {});
  expect(found).toMatchObject({
    ref: `${server.host}/a:1`,
    descriptor: { ...manifest, platform: { architecture: 'arm64', os: 'linux', variant: 'v8' } },
  });
  expect(found.raw.equals(server.manifests.get('a:1')?.bytes ?? Buffer.alloc(0))).toBe(true);
});

test('a list is all of its manifests, each with the platform that the list gives it', async () => {
  const server = await startRegistry();
  const one = await server.addImage('a:one');
  server.addIndex('a:list', [{ ...one.manifest, platform: { os: 'linux', architecture: 'riscv64' } }]);
  const reference = parseReference(`${server.host}/a:list`);
  expect(await fetchList(reference, {})).toMatchObject([
    {
      ref: `${server.host}/a:list@${one.manifest.digest}`,
      descriptor: { digest: one.manifest.digest, platform: { os: 'linux', architecture: 'riscv64' } },
    },
  ]);
  await expect(fetchEntry(reference, {})).rejects.toMatchObject({
    message: `${server.host}/a:list is a manifest list`,
  });
});

test.each([
  ['is not there', undefined, 'no such manifest: HOST/a:1'],
  ['is no manifest', '{"schemaVersion":2}', 'Cannot use the manifest of "HOST/a:1": it has no list of layers'],
  [
    'has no configuration that could be read',
    '{"schemaVersion":2,"layers":[],"config":{"mediaType":"","digest":"../x","size":1}}',
    'Cannot use the manifest of "HOST/a:1": its config has no valid digest',
  ],
])('what %s is named', async (_, text, message) => {
  const server = await startRegistry();
  if (text !== undefined) server.put('a:1', 'application/vnd.oci.image.manifest.v1+json', Buffer.from(text));
  const asked = fetchList(parseReference(`${server.host}/a:1`), {});
  await expect(asked).rejects.toMatchObject({ message: message.replace('HOST', server.host) });
});
