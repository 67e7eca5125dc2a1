import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Progress } from '#base/progress.ts';
import { readCatalog } from '#image/catalog.ts';
import { findImage, needImage } from '#image/names.ts';
import { pullAllTags, pullImage } from '#image/pull.ts';
import { hostPlatform } from '#oci/platform.ts';
import { hasBlob } from '#store/blobs.ts';
import { hasLayer, layerPath } from '#store/layers.ts';
import type { Store } from '#store/store.ts';
import { type ImageParts, sha256, startRegistry, type TestRegistry } from '#test/support/registry.ts';
import { temporaryStore, unprivileged } from '#test/support/store.ts';

const blobsAsked = (server: TestRegistry) =>
  server.asked.filter((one) => one.path.includes('/blobs/')).map((one) => one.path.split('/').at(-1));

/** Nothing of an image may be seen: no name, no blob, no layer, nothing half done. */
function expectUntouched(store: Store): void {
  expect(readCatalog(store)).toEqual([]);
  for (const folder of ['blobs/sha256', 'layers', 'tmp']) expect(readdirSync(store.path(folder))).toEqual([]);
}

describe.skipIf(unprivileged)('as root, for unpacking changes owners', () => {
  test.each(['gzip', 'zstd', 'none'] as const)('an image with layers by %s comes whole', async (compression) => {
    const [store, server] = [temporaryStore(), await startRegistry()];
    const layers = [[{ name: 'one', content: 'first' }], [{ name: 'two', content: 'second' }]];
    const image = await server.addImage('a/b:1', { layers, compression, settings: { Cmd: ['x'] } });
    const events: Progress[] = [];
    const pulled = await pullImage(store, `${server.host}/a/b:1`, { progress: (event) => events.push(event) });
    expect(pulled).toMatchObject({ digest: image.manifest.digest, reference: `${server.host}/a/b:1`, upToDate: false });
    expect(pulled.image).toMatchObject({ id: sha256(image.config), size: 11, config: { config: { Cmd: ['x'] } } });
    expect(pulled.image.references).toEqual([`${server.host}/a/b:1`, `${server.host}/a/b@${image.manifest.digest}`]);
    expect(readFileSync(join(layerPath(store, pulled.image.diffIds[1] ?? ''), 'two'), 'utf8')).toBe('second');
    for (const { digest } of [...image.layers, image.manifest]) expect(hasBlob(store, digest)).toBe(true);
    expect(readdirSync(store.path('tmp'))).toEqual([]);
    const texts = events.filter((event) => event.kind === 'message').map((event) => event.text);
    expect(texts).toEqual([
      'Pulling from a/b',
      `Digest: ${image.manifest.digest}`,
      `Status: Downloaded newer image for ${server.host}/a/b:1`,
    ]);
  });

  test('what is there already is not fetched again', async () => {
    const [store, server] = [temporaryStore(), await startRegistry()];
    const base = [{ name: 'base', content: 'x' }];
    const first = await server.addImage('a:1', { layers: [base] });
    await server.addImage('a:2', { layers: [base, [{ name: 'more', content: 'y' }]] });
    await pullImage(store, `${server.host}/a:1`);
    expect(await pullImage(store, `${server.host}/a:1`)).toMatchObject({ upToDate: true });
    server.asked.length = 0;
    expect(await pullImage(store, `${server.host}/a:2`)).toMatchObject({ upToDate: false });
    expect(blobsAsked(server)).not.toContain(first.layers[0]?.digest);
    expect(needImage(store, `${server.host}/a:2`).size).toBe(2);
  });

  test('a tag that stands for the same still is asked for its digest only, and one that moved is got', async () => {
    const [store, server] = [temporaryStore(), await startRegistry()];
    await server.addImage('a:1', { layers: [[{ name: 'one', content: 'x' }]] });
    await pullImage(store, `${server.host}/a:1`);
    server.asked.length = 0;
    const again = await pullImage(store, `${server.host}/a:1`);
    expect(again).toMatchObject({ upToDate: true, image: { references: expect.arrayContaining([again.reference]) } });
    expect(server.asked.map(({ method, path }) => `${method} ${path}`)).toEqual(['GET /v2/', 'HEAD /v2/a/manifests/1']);
    const moved = await server.addImage('a:1', { layers: [[{ name: 'two', content: 'y' }]] });
    const now = await pullImage(store, `${server.host}/a:1`);
    expect(now).toMatchObject({ upToDate: false, digest: moved.manifest.digest });
  });

  test('a registry that tells no digest, or takes no such question, is asked for the manifest', async () => {
    const [store, server] = [temporaryStore(), await startRegistry()];
    await server.addImage('a:1', { layers: [[{ name: 'one', content: 'x' }]] });
    await pullImage(store, `${server.host}/a:1`);
    server.misbehave = ({ method }, response) => {
      if (method !== 'HEAD') return false;
      response.writeHead(500).end();
      return true;
    };
    server.asked.length = 0;
    expect(await pullImage(store, `${server.host}/a:1`)).toMatchObject({ upToDate: true });
    expect(server.asked.map(({ method }) => method)).toEqual(['GET', 'HEAD', 'GET']);
  });

  test('a layer that was lost is made again from its blob, and a blob that was lost is fetched', async () => {
    const { removeLayer } = await import('#store/layers.ts');
    const { removeBlob } = await import('#store/blobs.ts');
    const [store, server] = [temporaryStore(), await startRegistry()];
    const image = await server.addImage('a:1');
    const name = `${server.host}/a:1`;
    await pullImage(store, name);
    const { digest = '', diffId = '' } = image.layers[0] ?? {};
    await removeLayer(store, diffId);
    server.asked.length = 0;
    expect(await pullImage(store, name)).toMatchObject({ upToDate: false });
    expect(hasLayer(store, diffId)).toBe(true);
    expect(blobsAsked(server)).toEqual([]);
    removeBlob(store, digest);
    await pullImage(store, name);
    expect(blobsAsked(server)).toEqual([digest]);
  });

  test('a tag that means another image by now moves, and the old image stays by its digest', async () => {
    const [store, server] = [temporaryStore(), await startRegistry()];
    const old = await server.addImage('a:1', { layers: [[{ name: 'x', content: 'old' }]] });
    await pullImage(store, `${server.host}/a:1`);
    const fresh = await server.addImage('a:1', { layers: [[{ name: 'x', content: 'new' }]] });
    expect(await pullImage(store, `${server.host}/a:1`)).toMatchObject({
      upToDate: false,
      image: { id: sha256(fresh.config) },
    });
    expect(needImage(store, `${server.host}/a@${old.manifest.digest}`).references).toHaveLength(1);
  });

  test('an image is pulled by its digest', async () => {
    const [store, server] = [temporaryStore(), await startRegistry()];
    const { manifest } = await server.addImage('a:1');
    const name = `${server.host}/a:ignored@${manifest.digest}`;
    expect(await pullImage(store, name)).toMatchObject({ reference: name, digest: manifest.digest });
    expect(await pullImage(store, name)).toMatchObject({ upToDate: true });
    expect(findImage(store, `${server.host}/a:1`)).toBeUndefined();
  });

  test('all tags are pulled', async () => {
    const [store, server] = [temporaryStore(), await startRegistry()];
    await server.addImage('a:1');
    await server.addImage('a:2', { layers: [[{ name: 'x' }]] });
    expect((await pullAllTags(store, `${server.host}/a`)).map((one) => one.reference)).toEqual([
      `${server.host}/a:1`,
      `${server.host}/a:2`,
    ]);
    await expect(pullAllTags(store, `${server.host}/a:1`)).rejects.toThrow("tag can't be used with --all-tags/-a");
  });

  test("of an index, this machine's platform is taken, also out of an index in it", async () => {
    const [store, server] = [temporaryStore(), await startRegistry()];
    const here = await server.addImage('a:here', { layers: [[{ name: 'here' }]] });
    const other = await server.addImage('a:other', { platform: { os: 'linux', architecture: 's390x' } });
    const described = (parts: ImageParts, platform: object) => ({ ...parts.manifest, platform });
    const inner = server.addIndex('a:inner', [described(here, hostPlatform())]);
    const attestation = described(other, { os: 'unknown', architecture: 'unknown' });
    const top = server.addIndex('a:1', [
      attestation,
      described(other, { os: 'linux', architecture: 's390x' }),
      { mediaType: 'application/vnd.oci.image.index.v1+json', digest: inner.digest, size: inner.size },
    ]);
    const pulled = await pullImage(store, `${server.host}/a:1`);
    expect(pulled).toMatchObject({ digest: top.digest, image: { id: sha256(here.config) } });
    expect(pulled.image.references).toContain(`${server.host}/a@${top.digest}`);
    expect(await pullImage(store, `${server.host}/a:1`, { platform: 'linux/s390x' })).toMatchObject({
      image: { id: sha256(other.config) },
    });
    await expect(pullImage(store, `${server.host}/a:1`, { platform: 'linux/ppc64le' })).rejects.toThrow(
      'no matching manifest for linux/ppc64le in the manifest list entries',
    );
  });

  test('ten pulls at once download each layer once', async () => {
    const [store, server] = [temporaryStore(), await startRegistry()];
    const image = await server.addImage('a:1', {
      layers: [[{ name: 'x', content: 'x'.repeat(100_000) }], [{ name: 'y' }]],
    });
    await Promise.all(Array.from({ length: 10 }, () => pullImage(store, `${server.host}/a:1`)));
    const layers = new Set(image.layers.map((layer) => layer.digest));
    expect(blobsAsked(server).filter((digest) => layers.has(digest ?? ''))).toHaveLength(2);
    expect(readdirSync(store.path('tmp'))).toEqual([]);
  });

  test('a single image for another platform comes with a warning where a platform was asked for', async () => {
    const [store, server] = [temporaryStore(), await startRegistry()];
    await server.addImage('a:1', { platform: { os: 'linux', architecture: 's390x' } });
    const texts: string[] = [];
    const progress = (event: Progress) => event.kind === 'message' && texts.push(event.text);
    await pullImage(store, `${server.host}/a:1`, { platform: 'linux/amd64', progress });
    expect(texts).toContain(
      `WARNING: image with reference ${server.host}/a:1 was found but its platform (linux/s390x) does not match the specified platform (linux/amd64)`,
    );
  });

  test('a pull that is called off leaves nothing half done', async () => {
    const [store, server] = [temporaryStore(), await startRegistry()];
    const image = await server.addImage('a:1', { layers: [[{ name: 'x', content: 'x'.repeat(1000) }]] });
    const stop = new AbortController();
    const reason = new Error('enough');
    server.misbehave = (request, response) => {
      if (!request.url?.endsWith(image.layers[0]?.digest ?? '')) return false;
      response.writeHead(200, { 'content-length': image.layers[0]?.bytes.length });
      response.write(image.layers[0]?.bytes.subarray(0, 10), () => stop.abort(reason));
      return true;
    };
    await expect(pullImage(store, `${server.host}/a:1`, { abort: stop.signal })).rejects.toBe(reason);
    expectUntouched(store);
  });
});

describe.skipIf(unprivileged)('a registry that lies is found out, and nothing of it stays', () => {
  const other = Buffer.from('something else');
  test.each<[string, (server: TestRegistry, image: ImageParts) => void, RegExp]>([
    [
      'sends another layer of the same size',
      (server, { layers }) => server.blobs.set(layers[0]?.digest ?? '', Buffer.alloc(layers[0]?.bytes.length ?? 0, 1)),
      /filesystem layer verification failed for digest sha256:|Cannot unpack the layer/,
    ],
    [
      'sends a shorter layer',
      (server, { layers }) => server.blobs.set(layers[0]?.digest ?? '', other),
      /it has 14 bytes, not [0-9]+/,
    ],
    [
      'sends another configuration',
      (server, { manifest, config }) => {
        server.blobs.set(sha256(config), Buffer.alloc(config.length, 0x20));
        expect(manifest).toBeDefined();
      },
      /image config verification failed for digest sha256:/,
    ],
    ['lacks a layer', (server, { layers }) => server.blobs.delete(layers[0]?.digest ?? ''), /blob unknown/],
  ])('that %s', async (_, lie, message) => {
    const [store, server] = [temporaryStore(), await startRegistry()];
    const image = await server.addImage('a:1', { layers: [[{ name: 'x', content: 'x'.repeat(5000) }]] });
    lie(server, image);
    await expect(pullImage(store, `${server.host}/a:1`)).rejects.toThrow(message);
    expectUntouched(store);
  });

  test('that gives a layer another diff ID', async () => {
    const [store, server] = [temporaryStore(), await startRegistry()];
    const honest = await server.addImage('a:1');
    const lying = JSON.parse(honest.config.toString());
    lying.rootfs.diff_ids = [sha256(other)];
    const config = Buffer.from(JSON.stringify(lying));
    server.blobs.set(sha256(config), config);
    await server.addImage('a:1', {
      change: (manifest) => ({
        ...manifest,
        config: { ...(manifest.config as object), digest: sha256(config), size: config.length },
      }),
    });
    await expect(pullImage(store, `${server.host}/a:1`)).rejects.toThrow(
      expect.objectContaining({
        kind: 'corrupt',
        message: expect.stringContaining(`Cannot unpack the layer ${sha256(other)}`),
      }),
    );
    expectUntouched(store);
  });

  test('that announces a layer larger than it is', async () => {
    const [store, server] = [temporaryStore(), await startRegistry()];
    await server.addImage('a:1', {
      change: (manifest) => ({
        ...manifest,
        layers: (manifest.layers as { size: number }[]).map((layer) => ({ ...layer, size: layer.size + 1 })),
      }),
    });
    await expect(pullImage(store, `${server.host}/a:1`)).rejects.toThrow(/it has [0-9]+ bytes, not [0-9]+/);
    expectUntouched(store);
  });

  test('that sends a manifest without end', async () => {
    const [store, server] = [temporaryStore(), await startRegistry()];
    server.misbehave = (request, response) => {
      if (!request.url?.includes('/manifests/')) return false;
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65536, 0x20)));
      };
      response.on('drain', more);
      more();
      return true;
    };
    await expect(pullImage(store, `${server.host}/a:1`)).rejects.toThrow('the answer is larger than 4194304 bytes');
    expectUntouched(store);
  });
});

test('a name that is none is refused before anything is asked', async () => {
  await expect(pullImage(temporaryStore(), 'Nope')).rejects.toThrow('must be lowercase');
});

test('an image for another system is refused', async () => {
  const [store, server] = [temporaryStore(), await startRegistry()];
  await server.addImage('a:1', { platform: { os: 'windows', architecture: 'amd64' } });
  await expect(pullImage(store, `${server.host}/a:1`)).rejects.toThrow(
    'image operating system "windows" cannot be used on this platform: operating system is not supported',
  );
  expect(existsSync(store.path('index.json'))).toBe(false);
});
