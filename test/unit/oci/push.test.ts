import { expect, test } from 'vitest';
import { MEDIA } from '#oci/manifest.ts';
import { hasRemoteBlob, mountBlob, nextAddress, putManifest } from '#oci/push.ts';
import { parseReference } from '#oci/reference.ts';
import { openRegistry, type Registry } from '#oci/registry.ts';
import { refuse, sha256, startRegistry, type TestRegistry } from '#test/support/registry.ts';

const blob = sha256(Buffer.from('blob'));
const credentials = { username: 'me', password: 'secret' };

async function client(server: TestRegistry): Promise<Registry> {
  return openRegistry(server.host, { retryDelay: 1, credentials });
}

const at = (server: TestRegistry, name: string) => parseReference(`${server.host}/${name}`);

test('what a repository has is known, and what it will not say is not', async () => {
  const server = await startRegistry();
  server.links.add(`a@${blob}`);
  const registry = await client(server);
  expect(await hasRemoteBlob(registry, at(server, 'a'), blob)).toBe(true);
  expect(await hasRemoteBlob(registry, at(server, 'b'), blob)).toBe(false);
  server.misbehave = (_, response) => {
    refuse(response, 403, 'DENIED', 'no');
    return true;
  };
  expect(await hasRemoteBlob(registry, at(server, 'a'), blob)).toBe(false);
  await registry.close();
});

test('a blob is mounted from another repository, with a token for both', async () => {
  const server = await startRegistry();
  server.auth = { kind: 'bearer', user: 'me', password: 'secret' };
  server.links.add(`from/there@${blob}`);
  const registry = await client(server);
  const from = at(server, 'from/there');
  expect(await mountBlob(registry, at(server, 'to'), { digest: blob, from })).toEqual({ mounted: true });
  expect(server.links.has(`to@${blob}`)).toBe(true);
  const token = server.asked.find((one) => one.path.startsWith('/token'))?.path.split('?')[1];
  expect(new URLSearchParams(token).getAll('scope')).toEqual(['repository:to:pull,push', 'repository:from/there:pull']);
  await registry.close();
});

test('a blob that can’t be mounted is an upload that has begun, or one to begin', async () => {
  const server = await startRegistry();
  const registry = await client(server);
  const wanted = { digest: blob, from: at(server, 'from') };
  expect(await mountBlob(registry, at(server, 'to'), wanted)).toMatchObject({
    mounted: false,
    session: expect.any(URL),
  });
  server.misbehave = (_, response) => {
    refuse(response, 403, 'DENIED', 'not from there');
    return true;
  };
  expect(await mountBlob(registry, at(server, 'to'), wanted)).toEqual({ mounted: false });
  await registry.close();
});

test('no token for the other repository is no reason to fail', async () => {
  const server = await startRegistry();
  server.auth = { kind: 'bearer', user: 'me', password: 'another' };
  const registry = await client(server);
  const wanted = { digest: blob, from: at(server, 'from') };
  expect(await mountBlob(registry, at(server, 'to'), wanted)).toEqual({ mounted: false });
  await registry.close();
});

test('requests that are refused together fetch one token', async () => {
  const server = await startRegistry();
  server.auth = { kind: 'bearer', user: 'me', password: 'secret' };
  const registry = await client(server);
  await Promise.all(Array.from({ length: 10 }, () => hasRemoteBlob(registry, at(server, 'a'), blob)));
  expect(server.asked.filter((one) => one.path.startsWith('/token'))).toHaveLength(1);
  await registry.close();
});

test.each([
  ['/v2/a/blobs/uploads/1?x=%2F', 'https://r.example/v2/a/blobs/uploads/1?x=%2F'],
  ['https://storage.example/1?signed', 'https://storage.example/1?signed'],
  ['http://r.example/v2/a/blobs/uploads/1', 'https://r.example/v2/a/blobs/uploads/1'],
  ['http://storage.example/1', undefined],
  ['ftp://r.example/1', undefined],
  [undefined, undefined],
])('an upload goes on at %s', (location, expected) => {
  const registry = { url: new URL('https://r.example/v2/') } as Registry;
  const answer = { headers: { location }, url: new URL('https://r.example/v2/a/blobs/uploads/') };
  const next = () => nextAddress(registry, answer as never).href;
  if (expected === undefined) expect(next).toThrow('the registry names no address for the upload');
  else expect(next()).toBe(expected);
});

test('a manifest goes there as it is, and what a registry makes of it has to be the same', async () => {
  const server = await startRegistry();
  const registry = await client(server);
  const bytes = Buffer.from('{"schemaVersion": 2}\n');
  const document = { bytes, mediaType: MEDIA.manifest, digest: sha256(bytes) };
  await putManifest(registry, { ...at(server, 'a'), tag: '1' }, document);
  expect(server.manifests.get('a:1')).toEqual({ mediaType: MEDIA.manifest, bytes });
  await putManifest(registry, at(server, 'a'), document);
  expect(server.asked.at(-1)?.path).toBe(`/v2/a/manifests/${document.digest}`);
  const wrong = { ...document, digest: blob };
  await expect(putManifest(registry, { ...at(server, 'a'), tag: '1' }, wrong)).rejects.toMatchObject({
    kind: 'corrupt',
  });
  await registry.close();
});

test.each([
  [400, 'MANIFEST_INVALID', 'manifest invalid', 'unavailable', 'manifest invalid: manifest invalid'],
  [403, 'DENIED', 'not yours', 'denied', 'denied: not yours'],
  [429, 'TOOMANYREQUESTS', 'slow down', 'unavailable', 'toomanyrequests: slow down'],
  [418, 'UNKNOWN', '', 'unavailable', 'received unexpected HTTP status: 418'],
])('a manifest that is refused (%i): in the registry’s words', async (status, code, text, kind, message) => {
  const server = await startRegistry();
  server.misbehave = (request, response) => {
    if (request.method !== 'PUT') return false;
    response.setHeader('Retry-After', '99');
    refuse(response, status, code, text);
    return true;
  };
  const registry = await client(server);
  const bytes = Buffer.from('{}');
  const document = { bytes, mediaType: MEDIA.manifest, digest: sha256(bytes) };
  await expect(putManifest(registry, at(server, 'a'), document)).rejects.toMatchObject({ kind, message });
  await registry.close();
});
