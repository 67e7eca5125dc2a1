import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { annotateEntry, createList, inspectManifest, pushList, removeManifestList } from '#image/manifest-list.ts';
import { sha256, startRegistry, type TestRegistry } from '#test/support/registry.ts';
import { temporaryDirectory } from '#test/support/store.ts';

let server: TestRegistry;
const at = (name: string) => `${server.host}/${name}`;

beforeEach(async () => {
  const before = process.env.DOCKER_CONFIG;
  process.env.DOCKER_CONFIG = temporaryDirectory();
  onTestFinished(() => {
    if (before === undefined) delete process.env.DOCKER_CONFIG;
    else process.env.DOCKER_CONFIG = before;
  });
  server = await startRegistry();
  await server.addImage('amd:1', { platform: { os: 'linux', architecture: 'amd64' } });
  await server.addImage('arm:1', { platform: { os: 'linux', architecture: 'arm64' } });
});

test('a list is made, annotated, pushed with its manifests beside it, and forgotten', async () => {
  expect(await createList(at('list'), [at('arm:1'), at('amd:1')])).toBe(at('list:latest'));
  annotateEntry(at('list'), at('arm:1'), { variant: 'v8', osFeatures: ['a', 'a'] });
  const made = await inspectManifest(at('list'));
  expect(JSON.parse(made).manifests.map((one: { platform: object }) => one.platform)).toEqual([
    { architecture: 'amd64', os: 'linux' },
    { architecture: 'arm64', os: 'linux', 'os.features': ['a'], variant: 'v8' },
  ]);
  const pushed: string[] = [];
  expect(await pushList(at('list'), { purge: true, pushed: (name) => pushed.push(name) })).toBe(
    sha256(Buffer.from(made)),
  );
  expect(server.manifests.get('list:latest')?.bytes.toString()).toBe(made);
  expect(pushed).toEqual(JSON.parse(made).manifests.map((one: { digest: string }) => `${at('list')}@${one.digest}`));
  for (const name of pushed) expect(server.manifests.has(name.slice(server.host.length + 1))).toBe(true);
  expect(() => removeManifestList(at('list'))).toThrow(`No such manifest: ${at('list:latest')}`);
  expect(await inspectManifest(at('list'))).toBe(made);
});

test('a list is not made anew without being asked to, and nothing of one that could not be made stays', async () => {
  await createList(at('list'), [at('arm:1')]);
  await expect(createList(at('list'), [at('amd:1')])).rejects.toThrow('refusing to amend an existing manifest list');
  await createList(at('list'), [at('amd:1')], { amend: true });
  expect(JSON.parse(await inspectManifest(at('list'))).manifests).toHaveLength(2);
  await expect(createList(at('other'), [at('amd:1'), at('none:1')])).rejects.toThrow(
    `no such manifest: ${at('none:1')}`,
  );
  expect(() => removeManifestList(at('other'))).toThrow('No such manifest');
});

test('a blob that the registry cannot link is named, with a way out', async () => {
  await createList(at('list'), [at('arm:1')]);
  server.links.clear();
  await expect(pushList(at('list'))).rejects.toMatchObject({
    message: expect.stringMatching(/^failed to mount blob sha256:\w+ to .*\/list$/),
    hint: expect.stringContaining('Push the image to'),
  });
});

test('a platform that Docker does not know, and a manifest of another list, are refused', async () => {
  await createList(at('list'), [at('arm:1')]);
  expect(() => annotateEntry(at('list'), at('arm:1'), { architecture: 'vax' })).toThrow(
    'manifest entry for image has unsupported os/arch combination: /vax',
  );
  expect(() => annotateEntry(at('list'), at('amd:1'), {})).toThrow(
    `manifest for image ${at('amd:1')} does not exist in ${at('list:latest')}`,
  );
});

test('a list of another registry’s manifests can’t be pushed', async () => {
  await createList('localhost:1/list', [at('arm:1')]);
  const why = `cannot use source images from a different registry than the target image: ${server.host} != localhost:1`;
  await expect(pushList('localhost:1/list')).rejects.toThrow(why);
  await expect(inspectManifest('localhost:1/list')).rejects.toThrow(`failed to assemble ManifestDescriptor: ${why}`);
});
