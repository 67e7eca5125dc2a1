import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clearTheStage, expectSame, ours } from '#test/support/compare.ts';
import { type Distribution, noDistribution, startDistribution } from '#test/support/distribution.ts';
import { busyboxEntries } from '#test/support/embedded.ts';
import { type Entry, tar } from '#test/support/image.ts';
import { besidePodman, docker, noDocker } from '#test/support/peers.ts';
import { sha256 } from '#test/support/registry.ts';
import { testUser } from '#test/support/user.ts';
import { succeed } from '#test/support/wherry.ts';

const missing = noDocker ?? noDistribution;

/** Docker, podman and we see this directory under the same name. */
let directory = '';
let registry: Distribution;
let images: string[] = [];
let ids: string[] = [];

const file = (name: string) => join(directory, name);

/** What a program of podman's family prints; it has to succeed. */
function beside(line: string): string {
  const { status, stdout, stderr } = besidePodman(testUser().name, line);
  expect({ line, status, stderr: status === 0 ? '' : stderr }).toEqual({ line, status: 0, stderr: '' });
  return stdout.trim();
}

const forget = async () => {
  docker(['rmi', '-f', ...images, ...ids]);
  besidePodman(testUser().name, `podman rmi -f ${ids.join(' ')} >/dev/null 2>&1`);
  await ours(['rmi', '-f', ...images, ...ids]);
};

describe.skipIf(missing !== undefined)(`archives between us and others (${missing ?? 'here'})`, () => {
  beforeAll(async () => {
    await clearTheStage([]);
    directory = mkdtempSync(join(tmpdir(), 'wherry-archives-'));
    chmodSync(directory, 0o777);
    registry = await startDistribution();
    const base = busyboxEntries('/bin/busybox');
    const same = [{ name: 'same', content: 'same\n' }];
    const config = { Cmd: ['sh'], Env: ['A=b'] };
    images = [
      await registry.push('team/gzip:1', { layers: [base, same, same], config }),
      await registry.push('team/zstd:1', {
        layers: [base, [{ name: 'z', content: 'z' }]],
        config,
        compression: 'zstd',
      }),
      await registry.push('team/plain:1', { layers: [base], config, compression: 'none' }),
    ];
    for (const image of images) await succeed('pull', '-q', image);
    ids = (await succeed('image', 'inspect', '--format', '{{.Id}}', ...images)).split('\n');
  });
  afterAll(async () => {
    await forget();
    await registry.close();
    rmSync(directory, { recursive: true, force: true });
  });

  test('docker loads what we save, under the same names and IDs', async () => {
    await succeed('save', '-o', file('ours.tar'), ...images);
    chmodSync(file('ours.tar'), 0o644);
    docker(['rmi', '-f', ...images]);
    const loaded = docker(['load', '-i', file('ours.tar')])
      .stdout.trim()
      .split('\n')
      .sort();
    expect(loaded).toEqual(images.map((image) => `Loaded image: ${image}`).sort());
    expect(
      docker(['image', 'inspect', '--format', '{{.Id}}', ...images])
        .stdout.trim()
        .split('\n'),
    ).toEqual(ids);
    expect(docker(['run', '--rm', images[0] ?? '', 'cat', '/same']).stdout).toBe('same\n');
  });

  test('podman loads what we save, under the same names, IDs and digests', async () => {
    beside(`podman load -q -i ${file('ours.tar')}`);
    const theirs = beside(`podman image inspect --format 'sha256:{{.Id}}' ${images.join(' ')}`).split('\n');
    expect(theirs).toEqual(ids);
  });

  test.each(['docker-archive', 'oci-archive'])('skopeo reads what we save as %s', async (transport) => {
    for (const [at, image] of images.entries()) {
      await succeed('save', '-o', file('one.tar'), image);
      chmodSync(file('one.tar'), 0o644);
      const config = beside(`skopeo inspect --raw --config ${transport}:${file('one.tar')} | sha256sum | cut -c-64`);
      expect(`sha256:${config}`).toBe(ids[at]);
      beside(`skopeo copy -q ${transport}:${file('one.tar')} dir:${file(`copy-${transport}-${at}`)}`);
    }
  });

  test('the manifest goes out byte for byte, so that the digest is that of the registry', async () => {
    const [image = ''] = images;
    const digest = (await succeed('image', 'inspect', '--format', '{{index .RepoDigests 0}}', image)).split('@')[1];
    await succeed('save', '-o', file('one.tar'), image);
    const index = JSON.parse(execFileSync('tar', ['-xOf', file('one.tar'), 'index.json'], { encoding: 'utf8' }));
    expect(index.manifests[0].digest).toBe(digest);
  });

  test('we load what docker saves, and what docker has loaded from us comes back with its IDs', async () => {
    expect(docker(['save', '-o', file('docker.tar'), ...images]).stderr).toBe('');
    chmodSync(file('docker.tar'), 0o644);
    await ours(['rmi', '-f', ...images]);
    const loaded = (await succeed('load', '-i', file('docker.tar'))).split('\n').sort();
    expect(loaded).toEqual(images.map((image) => `Loaded image: ${image}`).sort());
    expect((await succeed('image', 'inspect', '--format', '{{.Id}}', ...images)).split('\n')).toEqual(ids);
    const [, zstd = ''] = images;
    expect(await succeed('run', '--rm', '--network', 'none', zstd, 'cat', '/z')).toBe('z');
  });

  test.each([
    ['podman save', (image: string, to: string) => `podman save -q -o ${to} ${image}`],
    [
      'podman save --format oci-archive',
      (image: string, to: string) => `podman save -q --format oci-archive -o ${to} ${image}`,
    ],
    ['podman save --multi-image-archive', (image: string, to: string) => `podman save -q -m -o ${to} ${image}`],
    [
      'skopeo copy to docker-archive',
      (image: string, to: string) => `skopeo copy -q containers-storage:${image} docker-archive:${to}:${image}`,
    ],
    [
      'skopeo copy to oci-archive',
      (image: string, to: string) => `skopeo copy -q containers-storage:${image} oci-archive:${to}:${image}`,
    ],
  ])('we load what %s writes', async (name, line) => {
    const [image = ''] = images;
    const path = file('theirs.tar');
    rmSync(path, { force: true });
    beside(line(image, path));
    await ours(['rmi', '-f', image]);
    expect(await succeed('load', '-i', path)).toBe(`Loaded image: ${image}`);
    // podman rewrites the configuration where it goes from Docker's format to the other.
    const transport = /oci-archive/.test(name) ? 'oci-archive' : 'docker-archive';
    const id = `sha256:${beside(`skopeo inspect --raw --config ${transport}:${path} | sha256sum | cut -c-64`)}`;
    expect(await succeed('image', 'inspect', '--format', '{{.Id}}', image)).toBe(id);
    if (transport === 'docker-archive') expect(id).toBe(ids[0]);
    expect(await succeed('run', '--rm', '--network', 'none', image, 'cat', '/same')).toBe('same');
  });

  test('what cannot be saved or loaded is said in the same words', async () => {
    for (const line of [
      'save no-such-image',
      'save no-such:image',
      'save No',
      'save sha256:0123',
      `save -o ${directory} ${images[0]}`,
      `save -o ${directory}/no/x.tar ${images[0]}`,
      `save -o /dev/null ${images[0]}`,
      `save --platform linux/s390x ${images[0]}`,
      `save --platform foo ${images[0]}`,
      'save',
      'load -i /no/such/file',
      `load --platform foo -i ${file('ours.tar')}`,
      'load too many',
      'history no-such-image',
      'history No',
      'history',
      `history --platform linux/s390x ${images[0]}`,
      `history --format {{.Foo}} ${images[0]}`,
    ]) {
      await expectSame(line);
    }
  });
});

/** An archive of `docker save`'s, made by hand. */
async function archiveOf(name: string, config: object, layers: readonly Buffer[]): Promise<string> {
  const rootfs = { type: 'layers', diff_ids: layers.map(sha256) };
  const entries: Entry[] = [
    { name: 'config.json', content: JSON.stringify({ architecture: 'amd64', os: 'linux', rootfs, ...config }) },
    ...layers.map((content, at) => ({ name: `${at}.tar`, content })),
    {
      name: 'manifest.json',
      content: JSON.stringify([
        { Config: 'config.json', RepoTags: [name], Layers: layers.map((_, at) => `${at}.tar`) },
      ]),
    },
  ];
  const path = file('made.tar');
  writeFileSync(path, await tar(entries));
  return path;
}

describe.skipIf(noDocker !== undefined)(`history as docker shows it (${noDocker ?? 'here'})`, () => {
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'wherry-history-'));
    chmodSync(directory, 0o777);
  });
  afterAll(async () => {
    docker(['rmi', '-f', 'history:1']);
    await ours(['rmi', '-f', 'history:1']);
    rmSync(directory, { recursive: true, force: true });
  });

  test.each<[string, object]>([
    ['none', {}],
    ['null', { history: null }],
    ['shorter than the layers', { history: [{ created: '2024-01-01T00:00:00Z', created_by: 'one' }] }],
    [
      'with long commands, wide letters, odd times and comments',
      {
        history: [
          { created: '2001-01-01T00:00:00Z', created_by: `RUN\t${'x'.repeat(60)} <&>`, comment: 'buildkit' },
          { created_by: `RUN äöü 名${'é'.repeat(50)}` },
          { created: '1999-01-01T00:00:00Z', created_by: 'ENV A=b', empty_layer: true },
          { created: null, empty_layer: true },
          { created: '2124-01-01T00:00:00.5+02:00', created_by: 'future', empty_layer: true },
        ],
      },
    ],
  ])('of a history that is %s', async (_, config) => {
    const layers = [await tar([{ name: 'a', content: 'a'.repeat(6000) }]), await tar([{ name: 'b', content: 'b' }])];
    const path = await archiveOf('history:1', config, layers);
    expect(readFileSync(path).length).toBeGreaterThan(0);
    expect(docker(['load', '-i', path]).stdout).toBe((await ours(['load', '-i', path])).stdout);
    for (const flags of [
      '',
      '--no-trunc',
      '-q',
      '-q --no-trunc',
      '-H=false',
      '--format json',
      '--format "{{json .}}"',
    ]) {
      await expectSame(`history ${flags} history:1`);
    }
    await expectSame('image history --format "table {{.ID}}\\t{{.CreatedAt}}\\t{{.Size}}" history:1');
  });
});
