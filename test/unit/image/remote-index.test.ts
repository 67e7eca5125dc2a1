import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { combineRemote, putCombined } from '#image/remote-index.ts';
import { MEDIA } from '#oci/manifest.ts';
import { refuse, startRegistry, type TestRegistry } from '#test/support/registry.ts';

/** Brings sources under a tag; told: what was said meanwhile. */
async function create(tag: string, ...sources: string[]): Promise<string[]> {
  const told: string[] = [];
  const words = { sources, tags: [tag], append: false };
  const combined = await combineRemote(words, { prefersIndex: false, platforms: [], annotations: [] });
  for (const one of combined.tags) await putCombined(combined, one, { told: (what) => told.push(what) });
  return told;
}

async function indexed(server: TestRegistry) {
  const image = await server.addImage('from/one:1');
  const index = server.addIndex('from/one:all', [image.manifest]);
  return { ...image, index };
}

const indexOf = (manifests: object[]) =>
  Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: MEDIA.index, manifests }));

const missing = (message: string) => expect.objectContaining({ kind: 'not-found', message });

test('a source that is not there is named', async () => {
  const { host } = await startRegistry();
  await expect(create(`${host}/to:1`, `${host}/none:1`)).rejects.toThrow(missing(`${host}/none:1: not found`));
});

test('a manifest that the source has lost is named, not the name that it was for', async () => {
  const server = await startRegistry();
  const { manifest } = await indexed(server);
  server.manifests.delete(`from/one@${manifest.digest}`);
  await expect(create(`${server.host}/to:1`, `${server.host}/from/one:all`)).rejects.toThrow(
    missing(`manifest for ${server.host}/from/one@${manifest.digest} not found: manifest unknown: manifest unknown`),
  );
});

test('a blob that the source has lost is named, not the name that it was for', async () => {
  const [from, to] = [await startRegistry(), await startRegistry()];
  const { layers } = await indexed(from);
  const lost = layers[0]?.digest ?? '';
  from.blobs.delete(lost);
  await expect(create(`${to.host}/to:1`, `${from.host}/from/one:all`)).rejects.toThrow(
    missing(`blob unknown: blob unknown to registry (${from.host}/from/one@${lost})`),
  );
});

test("a source's digest that leads elsewhere in the target is not asked for", async () => {
  const [from, to] = [await startRegistry(), await startRegistry()];
  const change = ({ layers, ...rest }: Record<string, unknown>) => ({
    ...rest,
    layers: [...(layers as object[]), { mediaType: 'x/y', digest: '../../../v2/other/manifests/1', size: 1 }],
  });
  const { manifest } = await from.addImage('one:1', { change });
  from.addIndex('one:all', [manifest]);
  await expect(create(`${to.host}/to:1`, `${from.host}/one:all`)).rejects.toMatchObject({
    kind: 'corrupt',
    message: expect.stringMatching(/its layer 1 has no valid digest$/),
  });
  expect(to.asked.filter(({ path }) => path !== '/v2/')).toEqual([]);
});

test('an entry of null for a platform is one without', async () => {
  const server = await startRegistry();
  const { manifest } = await server.addImage('a:one');
  const index = server.addIndex('a:all', [{ ...manifest, platform: null }]);
  const words = { sources: [`${server.host}/a:all`], tags: [], append: false };
  const platforms = [{ os: 'linux', architecture: 's390x' }];
  const { document } = await combineRemote(words, { prefersIndex: true, platforms, annotations: [] });
  expect(document.digest).toBe(index.digest);
});

test('what is appended comes after what the name stands for', async () => {
  const server = await startRegistry();
  const [one, two] = [await server.addImage('a:one'), await server.addImage('a:two')];
  const words = { sources: [`${server.host}/a:two`], tags: [`${server.host}/a:one`], append: true };
  const { document } = await combineRemote(words, { prefersIndex: true, platforms: [], annotations: [] });
  const { manifests } = JSON.parse(document.bytes.toString());
  expect(manifests).toMatchObject([{ digest: one.manifest.digest }, { digest: two.manifest.digest }]);
});

test.each([
  ['A B', 'invalid reference format: repository name (library/A B) must be lowercase'],
  ['{', 'Expected property name'],
  ['{"digest":"sha256:abc"}', 'it has no digest'],
  [`{"digest":"sha256:${'a'.repeat(64)}","platform":"linux"}`, 'it has malformed platform'],
])('a source that nobody can read is shown, with what sources there are: %s', async (text, why) => {
  const says = `failed to parse source ${JSON.stringify(text)}, valid sources are digests, references and descriptors`;
  await expect(create('127.0.0.1:1/to:1', text)).rejects.toMatchObject({
    kind: 'invalid',
    message: expect.stringContaining(`${says}: ${why}`),
  });
});

test('a large blob goes in pieces where the target wants them, and each comes once', async () => {
  const [from, to] = [await startRegistry(), await startRegistry()];
  const content = randomBytes(4.5 * 1024 ** 2);
  const { layers } = await from.addImage('one:1', { layers: [[{ name: 'large', content }]], compression: 'none' });
  to.misbehave = (request, response) => {
    if (Number(request.headers['content-length'] ?? 0) <= 1024 ** 2) return false;
    request.resume();
    request.on('end', () => refuse(response, 413, 'SIZE_INVALID', 'too much'));
    return true;
  };
  await create(`${to.host}/to:1`, `${from.host}/one:1`);
  const [{ digest = '' } = {}] = layers;
  expect(to.blobs.get(digest)?.equals(from.blobs.get(digest) ?? Buffer.alloc(0))).toBe(true);
  const ranges = from.asked.flatMap(({ path, range }) => (path.endsWith(digest) ? [range] : []));
  expect(ranges.slice(-5)).toEqual([0, 1, 2, 3, 4].map((at) => (at === 0 ? undefined : `bytes=${at * 1024 ** 2}-`)));
  // The registry's first question shows what it speaks.
  expect(from.asked.filter(({ path }) => path === '/v2/')).toHaveLength(2);
});

test('what indexes in indexes name many times is copied once', async () => {
  const [from, to] = [await startRegistry(), await startRegistry()];
  let inner = (await from.addImage('one:1')).manifest;
  for (let depth = 0; depth < 5; depth += 1) {
    const { mediaType, digest, size } = from.put(
      'one:all',
      MEDIA.index,
      indexOf(Array.from({ length: 10 }, () => inner)),
    );
    inner = { mediaType, digest, size };
  }
  await create(`${to.host}/to:1`, `${from.host}/one:all`);
  expect(to.asked.filter(({ method, path }) => method === 'PUT' && path.includes('/manifests/'))).toHaveLength(6);
});
