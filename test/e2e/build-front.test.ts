import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildContext } from '#test/support/build-context.ts';
import { type Distribution, noDistribution, startDistribution } from '#test/support/distribution.ts';
import { temporaryDirectory } from '#test/support/store.ts';
import { BUSYBOX, readyStore, succeed, wherry } from '#test/support/wherry.ts';

beforeAll(readyStore);

const NAME = 'front/one';
afterAll(async () => {
  await wherry(['rmi', '-f', NAME]);
  await wherry(['builder', 'prune', '-af']);
});

const context = (dockerfile: string) => buildContext({ Dockerfile: dockerfile, a: 'hello\n' });

const BOTH = ['--platform', 'linux/amd64,linux/arm64'];
const FILES = 'FROM scratch\nCOPY a /\n';
const blob = (root: string, digest: string) =>
  JSON.parse(readFileSync(join(root, 'out', 'blobs', digest.replace(':', '/')), 'utf8'));

test('an archive for two platforms has an index of both, and says of each what it was made from', async () => {
  const root = context(FILES);
  const flags = ['--provenance', 'mode=max', '--annotation', 'manifest:a=b', '--annotation', 'index:c=d'];
  const output = ['-o', `type=oci,tar=false,dest=${root}/out`];
  expect(await wherry(['build', ...BOTH, ...flags, ...output, '-t', NAME, root])).toMatchObject({ status: 0 });
  const [top] = JSON.parse(readFileSync(join(root, 'out', 'index.json'), 'utf8')).manifests;
  const { manifests, annotations } = blob(root, top.digest);
  expect(annotations).toEqual({ c: 'd' });
  expect(manifests.map(({ platform }: { platform: { architecture: string } }) => platform.architecture)).toEqual([
    'amd64',
    'arm64',
    'unknown',
    'unknown',
  ]);
  expect(blob(root, manifests[1].digest)).toMatchObject({ annotations: { a: 'b' } });
  const [statement] = blob(root, manifests[3].digest).layers;
  expect(blob(root, statement.digest)).toMatchObject({
    subject: [{ digest: { sha256: manifests[1].digest.replace('sha256:', '') } }],
    // Of the machine that has built it.
    predicate: { invocation: { environment: { platform: 'linux/amd64' } } },
  });
  expect((await wherry(['image', 'inspect', NAME])).status).not.toBe(0);
});

test('an archive of one image says in its index what it is for, and when it was made', async () => {
  const root = context(FILES);
  await succeed('build', '--timestamp', '60', '-o', `type=oci,tar=false,dest=${root}/out`, '-t', NAME, root);
  expect(JSON.parse(readFileSync(join(root, 'out', 'index.json'), 'utf8')).manifests).toMatchObject([
    {
      platform: { architecture: 'amd64', os: 'linux' },
      annotations: {
        'io.containerd.image.name': 'docker.io/front/one:latest',
        'org.opencontainers.image.created': '1970-01-01T00:01:00Z',
      },
    },
  ]);
});

test('with a date for all files they keep their own where an output says so', async () => {
  const root = context(FILES);
  const dateOf = async (more: string) => {
    rmSync(join(root, 'out'), { recursive: true, force: true });
    await succeed('build', '--timestamp', '60', '-o', `type=oci,tar=false,dest=${root}/out${more}`, root);
    const [top] = JSON.parse(readFileSync(join(root, 'out', 'index.json'), 'utf8')).manifests;
    const [layer] = blob(root, top.digest).layers;
    const archive = join(root, 'out', 'blobs', layer.digest.replace(':', '/'));
    return execFileSync('tar', ['tvzf', archive], { encoding: 'utf8', env: { ...process.env, TZ: 'UTC' } });
  };
  expect(await dateOf('')).toContain('1970-01-01 00:01');
  expect(await dateOf(',rewrite-timestamp=false')).not.toContain('1970');
});

test('an image is known by its digest as well where an output says so', async () => {
  const root = context(FILES);
  const output = `type=image,name=${NAME},name-canonical=true`;
  await succeed('build', '--metadata-file', `${root}/md`, '-o', output, root);
  const digest = JSON.parse(readFileSync(join(root, 'md'), 'utf8'))['containerimage.digest'];
  expect(await succeed('image', 'inspect', '-f', '{{json .RepoDigests}}', NAME)).toBe(`["${NAME}@${digest}"]`);
  expect(await succeed('image', 'inspect', '-f', '{{json .RepoTags}}', `${NAME}@${digest}`)).toBe(`["${NAME}:latest"]`);
});

test('of several platforms the name gets the image that this machine runs', async () => {
  const { status, stderr } = await wherry(['build', '--progress', 'plain', ...BOTH, '-t', NAME, context(FILES)]);
  expect(status).toBe(0);
  expect(stderr).toContain('the image for linux/amd64 gets the names');
  expect(await succeed('image', 'inspect', '-f', '{{.Architecture}}', NAME)).toBe('amd64');
});

test('a program for a processor that nothing here is an emulator of is refused with the package to install', async () => {
  const root = context('FROM scratch\nCOPY a /\nRUN ["/a"]\n');
  const { status, stderr } = await wherry(['build', '--platform', 'linux/s390x', root]);
  expect(status).toBe(1);
  expect(stderr).toMatch(/cannot run programs for linux\/s390x: no emulator is registered/);
  expect(stderr).toContain('qemu-user');
});

test('an image for another processor is run as far as it goes, with Docker’s warning, error and exit status', async () => {
  await succeed(
    'build',
    '--platform',
    'linux/s390x',
    '-t',
    NAME,
    context('FROM scratch\nCOPY --chmod=755 a /\nCMD ["/a"]\n'),
  );
  const { status, stderr } = await wherry(['run', '--rm', '--network', 'none', NAME]);
  expect(stderr).toMatch(
    /^WARNING: The requested image's platform \(linux\/s390x\) does not match the detected host platform \(linux\/\S+\) and no specific platform was requested\nexec \/a: exec format error\n$/,
  );
  expect(status).toBe(255);
});

/** A program of arm64 that writes its processor's name: write(1, "arm64\\n", 6), exit(0). */
function armProgram(): Buffer {
  const code = [0xd2800020, 0x100000e1, 0xd28000c2, 0xd2800808, 0xd4000001, 0xd2800000, 0xd2800ba8, 0xd4000001];
  const file = Buffer.alloc(120 + 4 * code.length + 6);
  file.write('7f454c46020101', 'hex');
  file.writeUInt16LE(2, 16);
  file.writeUInt16LE(183, 18);
  file.writeUInt32LE(1, 20);
  file.writeBigUInt64LE(0x400078n, 24);
  file.writeBigUInt64LE(64n, 32);
  file.writeUInt16LE(64, 52);
  file.writeUInt16LE(56, 54);
  file.writeUInt16LE(1, 56);
  file.writeUInt32LE(1, 64);
  file.writeUInt32LE(5, 68);
  file.writeBigUInt64LE(0x400000n, 80);
  file.writeBigUInt64LE(0x400000n, 88);
  file.writeBigUInt64LE(BigInt(file.length), 96);
  file.writeBigUInt64LE(BigInt(file.length), 104);
  file.writeBigUInt64LE(0x10000n, 112);
  for (const [at, word] of code.entries()) file.writeUInt32LE(word, 120 + 4 * at);
  file.write('arm64\n', 120 + 4 * code.length);
  return file;
}

/** Registered by root, or a static one, which Linux takes from users since 6.7. */
const isEmulated =
  process.arch === 'arm64' ||
  existsSync('/proc/sys/fs/binfmt_misc/qemu-aarch64') ||
  ['/usr/bin', '/usr/local/bin'].some((folder) => existsSync(`${folder}/qemu-aarch64-static`));

test.skipIf(!isEmulated)(
  `a step and a container for arm64 run (${isEmulated ? 'here' : 'skip: no emulator'})`,
  async () => {
    const root = context('FROM scratch\nCOPY --chmod=755 arm /arm\nRUN ["/arm"]\nCMD ["/arm"]\n');
    writeFileSync(join(root, 'arm'), armProgram());
    const built = await wherry(['build', '--progress', 'plain', '--platform', 'linux/arm64', '-t', NAME, root]);
    expect(built.stderr).toMatch(/^#\d+ [\d.]+ arm64$/m);
    expect(await succeed('run', '--rm', NAME)).toBe('arm64');
  },
);

test('what a RUN may not do without being allowed to is refused', async () => {
  const root = context(`FROM ${BUSYBOX}\nRUN --network=host true\n`);
  expect((await wherry(['build', root])).stderr).toContain('network.host is not allowed');
  expect(await wherry(['build', '--allow', 'network.host', root])).toMatchObject({ status: 0 });
});

test('the file of metadata says what was built from what', async () => {
  const root = context(`FROM ${BUSYBOX}\nARG X\nCOPY a /\n`);
  await succeed('build', '-q', '--metadata-file', `${root}/md`, '--build-arg', 'X=1', '-t', NAME, root);
  expect(JSON.parse(readFileSync(join(root, 'md'), 'utf8'))['buildx.build.provenance']).toMatchObject({
    buildType: 'https://mobyproject.org/buildkit@v1',
    materials: [{ uri: expect.stringContaining('pkg:docker/') }],
    invocation: { parameters: { args: { 'build-arg:X': '1' } }, environment: { platform: 'linux/amd64' } },
  });
});

describe.skipIf(noDistribution !== undefined)(`with a registry (${noDistribution ?? 'here'})`, () => {
  let registry: Distribution;
  beforeAll(async () => {
    registry = await startDistribution();
  });
  afterAll(() => registry.close());

  const raw = (reference: string) =>
    JSON.parse(
      execFileSync('skopeo', ['inspect', '--tls-verify=false', '--raw', `docker://${reference}`], { encoding: 'utf8' }),
    );

  test('an index with provenance is pushed whole; a base for another platform takes no name away', async () => {
    const base = `${registry.host}/front/base:1`;
    const copy = `${registry.host}/front/copy:1`;
    await succeed('build', '-q', ...BOTH, '--provenance', 'mode=min', '--push', '-t', base, context(FILES));
    expect(raw(base).manifests).toHaveLength(4);
    await succeed('build', '-q', ...BOTH, '--push', '-t', copy, context(`FROM ${base}\nCOPY a /b\n`));
    const out = temporaryDirectory();
    const whole = ['--insecure-policy', '--src-tls-verify=false', '--all'];
    execFileSync('skopeo', ['copy', '-q', ...whole, `docker://${copy}`, `dir:${out}`]);
    expect(raw(copy).manifests.map(({ platform }: { platform: object }) => platform)).toEqual([
      { architecture: 'amd64', os: 'linux' },
      { architecture: 'arm64', os: 'linux' },
    ]);
    expect(await succeed('image', 'inspect', '-f', '{{.Architecture}}', base)).toBe('amd64');
    await wherry(['rmi', base, copy]);
  });

  test('provenance with inline-only is beside the image that is pushed, and not in an archive of it', async () => {
    const name = `${registry.host}/front/inline:1`;
    const root = context(FILES);
    const outputs = [
      '-o',
      `type=image,name=${name},push=true,store=false`,
      '-o',
      `type=oci,tar=false,dest=${root}/out`,
    ];
    await succeed('build', '-q', '--provenance', 'mode=max,inline-only=true', ...outputs, root);
    expect(raw(name).manifests).toHaveLength(2);
    const [top] = JSON.parse(readFileSync(join(root, 'out', 'index.json'), 'utf8')).manifests;
    expect(top).toMatchObject({ digest: raw(name).manifests[0].digest, platform: { architecture: 'amd64' } });
  });

  test('an annotation is in the manifest that is pushed', async () => {
    const name = `${registry.host}/front/noted:1`;
    await succeed('build', '-q', '--annotation', 'a=b', '--push', '-t', name, context(FILES));
    expect(raw(name)).toMatchObject({ annotations: { a: 'b' } });
    await wherry(['rmi', name]);
  });
});

describe.skipIf(noDistribution !== undefined)(`names at registries (${noDistribution ?? 'here'})`, () => {
  let registry: Distribution;
  beforeAll(async () => {
    registry = await startDistribution();
  });
  afterAll(() => registry.close());

  test('images that were pushed one by one get one name, and are looked at, without coming here', async () => {
    const root = context('FROM scratch\nARG TARGETARCH\nCOPY a /$TARGETARCH\n');
    const names = ['amd64', 'arm64'].map((architecture) => `${registry.host}/parts/${architecture}:1`);
    for (const [at, platform] of ['linux/amd64', 'linux/arm64'].entries()) {
      await succeed('build', '--platform', platform, '--push', '-t', names[at] ?? '', root);
    }
    const both = `${registry.host}/whole/both:1`;
    await succeed('buildx', 'imagetools', 'create', '-t', both, ...names);
    const shown = await succeed('buildx', 'imagetools', 'inspect', both);
    expect(shown).toMatch(/Platform: +linux\/amd64\n[\s\S]*Platform: +linux\/arm64/);
    const template = '{{(index .Image "linux/arm64").Architecture}}';
    expect(await succeed('buildx', 'imagetools', 'inspect', '--format', template, both)).toBe('arm64');
    expect(await succeed('pull', '-q', '--platform', 'linux/arm64', both)).toContain(both);
    await succeed('rmi', '-f', both);
    const { status, stderr } = await wherry(['buildx', 'imagetools', 'inspect', `${registry.host}/whole/none`]);
    expect({ status, stderr }).toEqual({ status: 1, stderr: `ERROR: ${registry.host}/whole/none:latest: not found\n` });
  });
});

test('a builder that a script makes builds what its own name is given to', async () => {
  const root = context(FILES);
  expect(await succeed('buildx', 'create', '--name', 'front-ci', '--use')).toBe('front-ci');
  expect(await succeed('buildx', 'inspect', '--bootstrap', 'front-ci')).toContain('Status:           running');
  const built = await wherry(['buildx', 'build', '--progress', 'plain', '--builder', 'front-ci', '-t', NAME, root]);
  expect(built).toMatchObject({ status: 0 });
  expect(built.stderr).toContain('building with "front-ci" instance');
  expect(await succeed('buildx', 'rm', 'front-ci')).toBe('front-ci removed');
  expect(await wherry(['build', '--builder', 'front-ci', root])).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('no builder "front-ci" found'),
  });
});

test("buildx's own flags stand before a command of it as well as behind", async () => {
  const root = context(FILES);
  const build = (...words: string[]) => wherry(['buildx', ...words, '--call=targets', root]);
  expect(await build('--builder', 'default', 'build')).toMatchObject({ status: 0 });
  expect(await build('-D', 'build')).toMatchObject({ status: 0 });
  expect((await build('--builder=front-none', 'build')).stderr).toContain('no builder "front-none" found');
  expect(await succeed('buildx', '--builder', 'default', 'inspect', '-D')).toMatch(/^Name: +default$/m);
  // What is chosen gets no sum, as with buildx.
  expect(await succeed('buildx', 'du', '--filter', 'id=none')).not.toContain('Reclaimable:');
  expect(await succeed('buildx', 'du')).toContain('Reclaimable:');
});
