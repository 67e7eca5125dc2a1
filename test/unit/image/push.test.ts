import { rmSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Progress } from '#base/progress.ts';
import { changeCatalog, withNames } from '#image/catalog.ts';
import { findImage, tagImage } from '#image/names.ts';
import { checkPlatform, pushImage } from '#image/push.ts';
import { MEDIA } from '#oci/manifest.ts';
import { blobPath, putBlob, readBlob } from '#store/blobs.ts';
import { putImage } from '#test/support/image-store.ts';
import { sha256, startRegistry } from '#test/support/registry.ts';
import { temporaryStore } from '#test/support/store.ts';

const diffIds = ['one', 'two', 'three'].map((text) => sha256(Buffer.from(text)));
/** What putImage() stores as the layer of a diff ID. */
const blobOf = (diffId = '') => sha256(Buffer.from(diffId));
const shown = diffIds.map((digest) => digest.slice('sha256:'.length, 'sha256:'.length + 12)).reverse();

async function stage() {
  const server = await startRegistry();
  const store = temporaryStore();
  const lines: string[] = [];
  const progress = (event: Progress) => {
    if (event.kind === 'resolving' || (event.kind === 'layer' && event.status === 'Pushing')) return;
    const text = event.kind === 'layer' ? event.status : event.text;
    lines.push(event.id === undefined ? text : `${event.id}: ${text}`);
  };
  const push = async (name: string, options = {}) => {
    lines.length = 0;
    await pushImage(store, `${server.host}/${name}`, { ...options, progress });
    return lines;
  };
  return { server, store, push, name: (text: string) => `${server.host}/${text}` };
}

test('an image goes there byte for byte, layers first, and its digest is remembered', async () => {
  const { server, store, push, name } = await stage();
  await putImage(store, name('a/b:1'), { diffIds });
  const image = findImage(store, name('a/b:1'));
  const { digest = '', size = 0 } = image?.manifest ?? {};
  const lines = await push('a/b:1');
  expect(lines[0]).toBe(`The push refers to repository [${name('a/b')}]`);
  expect(lines.slice(1, 4)).toEqual(shown.map((id) => `${id}: Preparing`));
  expect(lines.slice(4, -1).sort()).toEqual(shown.map((id) => `${id}: Pushed`).sort());
  expect(lines.at(-1)).toBe(`1: digest: ${digest} size: ${size}`);
  expect(sha256(server.manifests.get('a/b:1')?.bytes ?? Buffer.alloc(0))).toBe(digest);
  expect(server.asked.at(-1)).toMatchObject({ method: 'PUT', path: '/v2/a/b/manifests/1' });
  expect(findImage(store, name('a/b:1'))?.references).toContain(`${name('a/b')}@${digest}`);
});

test('what is there is not sent again', async () => {
  const { server, store, push, name } = await stage();
  await putImage(store, name('a:1'), { diffIds });
  await push('a:1');
  server.asked.length = 0;
  expect((await push('a:1')).slice(4, -1).sort()).toEqual(shown.map((id) => `${id}: Layer already exists`).sort());
  expect(new Set(server.asked.map((one) => one.method))).toEqual(new Set(['GET', 'HEAD', 'PUT']));
});

test('an image that came from another repository of the registry is mounted, and its layers are not even opened', async () => {
  const { server, store, push, name } = await stage();
  await putImage(store, name('a:1'), { diffIds });
  await push('a:1');
  await tagImage(store, name('a:1'), name('b/c:2'));
  for (const diffId of diffIds) rmSync(blobPath(store, blobOf(diffId)));
  server.asked.length = 0;
  expect((await push('b/c:2')).slice(4, -1).sort()).toEqual(shown.map((id) => `${id}: Mounted from a`).sort());
  expect(server.asked.map((one) => one.method)).toEqual(['GET', 'POST', 'POST', 'POST', 'POST', 'PUT']);
  expect(server.manifests.has('b/c:2')).toBe(true);
});

test('a layer that the registry turns out not to have there is uploaded by what the mount has begun', async () => {
  const { server, store, push, name } = await stage();
  await putImage(store, name('never/pushed:1'), { diffIds: diffIds.slice(0, 1) });
  await tagImage(store, name('never/pushed:1'), name('a:1'));
  expect(await push('a:1')).toContain(`${shown[2]}: Pushed`);
  const posts = server.asked.filter((one) => one.method === 'POST');
  expect(posts).toHaveLength(2);
  expect(posts.every((one) => one.path.includes('from=never%2Fpushed'))).toBe(true);
});

test('what a repository has that nothing was known of is found before it is uploaded', async () => {
  const { server, store, push, name } = await stage();
  await putImage(store, name('never/pushed:1'), { diffIds });
  await tagImage(store, name('never/pushed:1'), name('a:1'));
  for (const diffId of diffIds) server.links.add(`a@${blobOf(diffId)}`);
  expect((await push('a:1')).slice(4, -1).sort()).toEqual(shown.map((id) => `${id}: Layer already exists`).sort());
  expect(server.uploads.size).toBe(0);
});

test('a layer that is in the image twice goes once', async () => {
  const { server, store, push, name } = await stage();
  await putImage(store, name('a:1'), { diffIds: [...diffIds, ...diffIds] });
  expect((await push('a:1')).filter((line) => line.endsWith('Preparing'))).toHaveLength(3);
  expect(server.asked.filter((one) => one.method === 'PUT' && one.path.includes('/blobs/'))).toHaveLength(4);
});

test('layers that only their owner may hand out stay here', async () => {
  const { server, store, push, name } = await stage();
  await putImage(store, name('model:1'), { diffIds: diffIds.slice(0, 1) });
  const model = findImage(store, name('model:1'));
  const layer = {
    mediaType: 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
    digest: blobOf(diffIds[0]),
    size: 71,
    urls: ['https://owner.example/layer'],
  };
  const config = { mediaType: MEDIA.config, digest: model?.id, size: readBlob(store, model?.id ?? '').length };
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: MEDIA.manifest, config, layers: [layer] }));
  const manifest = await putBlob(store, bytes, MEDIA.manifest);
  const entry = { manifest, id: undefined, sizes: [] };
  await changeCatalog(store, (entries) => withNames(entries, entry, [name('a:1')]));
  expect(await push('a:1')).toContain(`${shown[2]}: Skipped foreign layer`);
  expect(server.blobs.has(blobOf(diffIds[0]))).toBe(false);
  expect(server.manifests.get('a:1')?.bytes.equals(bytes)).toBe(true);
});

test('all tags of a repository go, in their order', async () => {
  const { server, store, push, name } = await stage();
  await putImage(store, name('a:2'), { diffIds });
  await tagImage(store, name('a:2'), name('a:1'));
  await tagImage(store, name('a:2'), name('ab:1'));
  const lines = await push('a', { allTags: true });
  expect(lines.flatMap((line) => /^(\w+): digest/.exec(line)?.[1] ?? [])).toEqual(['1', '2']);
  expect([...server.manifests.keys()].filter((key) => key.includes(':') && !key.includes('@'))).toEqual(['a:1', 'a:2']);
});

test.each<[string, object, string]>([
  ['a', {}, 'An image does not exist locally with the tag: HOST/a'],
  ['b:2', {}, 'tag does not exist: HOST/b:2'],
  ['b', {}, 'tag does not exist: HOST/b:latest'],
  ['b:1', { allTags: true }, "tag can't be used with --all-tags/-a"],
  [`b@sha256:${'0'.repeat(64)}`, {}, 'cannot push a digest reference'],
  ['c', { allTags: true }, 'no tags to push for HOST/c'],
  [
    'b:1',
    { platform: 'linux/s390x' },
    'image with reference HOST/b:1 was found but its platform (linux/amd64) does not match the specified platform (linux/s390x)',
  ],
  ['b:9', { platform: 'linux/amd64' }, 'No such image: HOST/b:9'],
])('%s %o is refused in Docker’s words', async (text, options, message) => {
  const { server, store, push, name } = await stage();
  await putImage(store, name('b:1'));
  await putImage(store, name(`c@sha256:${'1'.repeat(64)}`), { comment: 'other' });
  await expect(push(text, options)).rejects.toMatchObject({ message: message.replaceAll('HOST', server.host) });
});

test('what names no platform is refused before anything is said', () => {
  expect(() => checkPlatform('a/b/c/d')).toThrow(
    'Invalid platform a/b/c/d"a/b/c/d": cannot parse platform specifier: invalid argument',
  );
});

test('an image with a subject is listed for registries that don’t do it', async () => {
  const { server, store, push, name } = await stage();
  await putImage(store, name('model:1'));
  const id = findImage(store, name('model:1'))?.id ?? '';
  const config = { mediaType: MEDIA.config, digest: id, size: readBlob(store, id).length };
  const subject = { mediaType: MEDIA.manifest, digest: sha256(Buffer.from('x')), size: 1 };
  const bytes = Buffer.from(
    JSON.stringify({ schemaVersion: 2, mediaType: MEDIA.manifest, config, layers: [], subject }),
  );
  const manifest = await putBlob(store, bytes, MEDIA.manifest);
  await changeCatalog(store, (entries) => withNames(entries, { manifest, id: undefined, sizes: [] }, [name('a:1')]));
  await push('a:1');
  const tag = `a:${subject.digest.replace(':', '-')}`;
  expect(server.manifests.has(tag)).toBe(false);
  server.knowsSubjects = false;
  await push('a:1');
  expect(server.manifests.get(tag)?.bytes.toString()).toContain(manifest.digest);
});
