/** Development containers, brought up by their reference client: it reads what wherry prints as if it were docker. */
import { chownSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest';
import { writeFiles } from '#test/support/build-context.ts';
import { testUser } from '#test/support/user.ts';
import { BUSYBOX, readyStore, removeContainers, succeed, wherry, wherryPath } from '#test/support/wherry.ts';

/** The client, where the tests' user can read it: the checkout may be closed to others. */
let place: string;

beforeAll(async () => {
  await readyStore();
  place = mkdtempSync(join(tmpdir(), 'wherry-devc-'));
  chownSync(place, testUser().uid, testUser().gid);
  const entry = fileURLToPath(import.meta.resolve('@devcontainers/cli/package.json'));
  cpSync(dirname(entry), join(place, 'cli'), { recursive: true });
});
afterEach(() => removeContainers());
afterAll(async () => {
  await wherry(['builder', 'prune', '-af']);
  const { stdout } = await wherry(['images', '--format', '{{.Repository}}:{{.Tag}}']);
  const built = stdout.split('\n').filter((name) => /^(vsc-|devc\/)/.test(name));
  await wherry(['rmi', '-f', ...built]);
  rmSync(place, { recursive: true, force: true });
});

/** The Node of the installation. */
function nodePath(): string {
  const found = readdirSync(inject('prefix'), { recursive: true, encoding: 'utf8' }).find((path) =>
    /node-linux-[^/]+\/bin\/node$/.test(path),
  );
  if (found === undefined) throw new Error('no Node in the installation');
  return join(inject('prefix'), found);
}

/** Makes a folder of the user's with `.devcontainer/<name>` of each of the files. */
function workspace(name: string, files: Record<string, string | object>): string {
  for (const [path, content] of Object.entries(files)) {
    const text = typeof content === 'string' ? content : JSON.stringify(content);
    writeFiles(place, { [join(name, '.devcontainer', path)]: text });
  }
  return join(place, name);
}

const devcontainer = (verb: string, folder: string, ...args: string[]) =>
  testUser().run(
    nodePath(),
    [join(place, 'cli/devcontainer.js'), verb, '--docker-path', wherryPath(), '--workspace-folder', folder, ...args],
    { env: { TMPDIR: place } },
  );

/** What a verb that has to succeed tells programs: JSON in one line. */
async function told(verb: string, folder: string, ...args: string[]) {
  const { stdout, stderr, status } = await devcontainer(verb, folder, ...args);
  expect(status, stderr + stdout).toBe(0);
  return JSON.parse(stdout);
}

test('one of an image comes up, runs its commands, and is found again after a stop', async () => {
  const folder = workspace('image', {
    'devcontainer.json': {
      image: BUSYBOX,
      containerEnv: { IN_ALL: 'one' },
      remoteEnv: { IN_EXEC: 'two' },
      initializeCommand: 'echo host > initialized',
      postCreateCommand: 'echo "$IN_ALL" > created',
      postStartCommand: 'echo started >> started',
      runArgs: ['--hostname', 'devbox'],
      hostRequirements: { gpu: 'optional' },
    },
  });
  const first = await told('up', folder);
  expect(first).toMatchObject({ outcome: 'success', remoteUser: 'root', remoteWorkspaceFolder: '/workspaces/image' });
  expect(readFileSync(join(folder, 'initialized'), 'utf8')).toBe('host\n');
  expect(readFileSync(join(folder, 'created'), 'utf8')).toBe('one\n');
  const script = 'hostname; echo $IN_ALL $IN_EXEC; pwd; echo oops >&2; exit 7';
  expect(await devcontainer('exec', folder, 'sh', '-c', script)).toMatchObject({
    status: 7,
    stdout: 'devbox\none two\n/workspaces/image\n',
    stderr: expect.stringContaining('oops'),
  });
  expect(await told('up', folder)).toMatchObject({ containerId: first.containerId });
  await succeed('stop', '-t', '0', first.containerId);
  expect(await told('up', folder)).toMatchObject({ containerId: first.containerId });
  expect(readFileSync(join(folder, 'started'), 'utf8')).toBe('started\nstarted\n');
  const again = await told('up', folder, '--remove-existing-container', '--workspace-mount-consistency', 'cached');
  expect(again.containerId).not.toBe(first.containerId);
});

const DOCKERFILE = `ARG BASE
FROM $BASE AS base
ARG WHO=nobody
RUN echo 'dev:x:1500:1500::/home/dev:/bin/sh' >> /etc/passwd && echo 'dev:x:1500:' >> /etc/group && \\
  mkdir -p /home/dev && chown 1500:1500 /home/dev
RUN echo "hello $WHO" > /greeting
FROM base AS dev
COPY devcontainer.json /kept
FROM base AS broken
RUN false
`;

test('one of a Dockerfile has its arguments and its stage, and its user writes the files of who runs it', async () => {
  const folder = workspace('file', {
    Dockerfile: DOCKERFILE,
    'devcontainer.json': {
      build: { dockerfile: 'Dockerfile', target: 'dev', args: { BASE: BUSYBOX, WHO: 'world' }, cacheFrom: BUSYBOX },
      remoteUser: 'dev',
      runArgs: ['--userns=keep-id'],
      mounts: ['type=tmpfs,target=/scratch'],
      postCreateCommand: { one: 'id -un > one', two: ['sh', '-c', 'cat /greeting > two'] },
    },
  });
  expect(await told('up', folder)).toMatchObject({ outcome: 'success', remoteUser: 'dev' });
  expect(readFileSync(join(folder, 'one'), 'utf8')).toBe('dev\n');
  expect(readFileSync(join(folder, 'two'), 'utf8')).toBe('hello world\n');
  expect(await devcontainer('exec', folder, 'sh', '-c', 'ls /kept; echo x > mine')).toMatchObject({ status: 0 });
  const listed = await testUser().run('stat', ['-c', '%u', join(folder, 'mine')]);
  expect(listed.stdout).toBe(`${testUser().uid}\n`);
});

const FEATURE = {
  'hello/devcontainer-feature.json': {
    id: 'hello',
    version: '1.0.0',
    options: { greeting: { type: 'string', default: 'hi' } },
    containerEnv: { FEATURE: 'set' },
    entrypoint: '/usr/local/share/hello-init.sh',
    init: true,
    capAdd: ['SYS_PTRACE'],
    mounts: [{ source: 'devc-feature', target: '/feature', type: 'volume' }],
  },
  'hello/install.sh': `#!/bin/sh
set -e
mkdir -p /usr/local/bin /usr/local/share
printf '#!/bin/sh\\necho "%s, $(whoami)"\\n' "$GREETING" > /usr/local/bin/hello
printf '#!/bin/sh\\necho init > /tmp/init\\nexec "$@"\\n' > /usr/local/share/hello-init.sh
chmod 755 /usr/local/bin/hello /usr/local/share/hello-init.sh
`,
};

test('a feature from a folder is built in, and what it says of the container holds', async () => {
  const features = { './hello': { greeting: 'hey' } };
  const folder = workspace('feature', { ...FEATURE, 'devcontainer.json': { image: BUSYBOX, features } });
  const { containerId } = await told('up', folder);
  const script = 'hello; echo $FEATURE; cat /tmp/init; grep " /feature " /proc/mounts | wc -l';
  expect(await devcontainer('exec', folder, 'sh', '-c', script)).toMatchObject({ stdout: 'hey, root\nset\ninit\n1\n' });
  const host = JSON.parse(await succeed('inspect', '-f', '{{json .HostConfig}}', containerId));
  expect(host).toMatchObject({ Init: true, CapAdd: ['CAP_SYS_PTRACE'] });
  const { mergedConfiguration } = await told('read-configuration', folder, '--include-merged-configuration');
  expect(mergedConfiguration).toMatchObject({ init: true, entrypoints: ['/usr/local/share/hello-init.sh'] });
  await removeContainers();
  await wherry(['volume', 'rm', 'devc-feature']);
});

test('an image for others is built, with its names and what is to be known of it', async () => {
  const folder = workspace('built', {
    ...FEATURE,
    Dockerfile: `FROM ${BUSYBOX}\nCOPY Dockerfile /\n`,
    'devcontainer.json': { build: { dockerfile: 'Dockerfile' }, features: { './hello': {} }, remoteUser: 'root' },
  });
  const names = ['--image-name', 'devc/one:1', '--image-name', 'devc/one:2'];
  expect(await told('build', folder, ...names)).toMatchObject({ imageName: ['devc/one:1', 'devc/one:2'] });
  const labels = JSON.parse(await succeed('image', 'inspect', '-f', '{{json .Config.Labels}}', 'devc/one:2'));
  expect(JSON.parse(labels['devcontainer.metadata'])).toMatchObject([{ id: './hello' }, { remoteUser: 'root' }]);
  const output = ['--platform', 'linux/amd64', '--output', `type=oci,dest=${place}/built.tar`];
  await told('build', folder, '--image-name', 'devc/two', ...output);
  expect(readFileSync(join(place, 'built.tar')).includes('oci-layout')).toBe(true);
  expect((await wherry(['image', 'inspect', 'devc/two'])).status).not.toBe(0);
});

test('one of a compose file is one of its services, with the others beside it', async () => {
  const folder = workspace('composed', {
    'compose.yaml': `services:
  app: {build: {context: .}, volumes: ["..:/workspace"], command: sleep 1000}
  side: {image: ${BUSYBOX}, command: sleep 1000}
`,
    Dockerfile: `FROM ${BUSYBOX}\n`,
    'devcontainer.json': { dockerComposeFile: 'compose.yaml', service: 'app', workspaceFolder: '/workspace' },
  });
  const { composeProjectName: project } = await told('up', folder);
  expect(await devcontainer('exec', folder, 'sh', '-c', 'pwd; touch made')).toMatchObject({
    status: 0,
    stdout: '/workspace\n',
  });
  expect(readdirSync(folder)).toContain('made');
  expect((await succeed('ps', '-q', '-f', `label=com.docker.compose.project=${project}`)).split('\n')).toHaveLength(2);
  await succeed('compose', '-p', project, 'down', '-t', '0', '--rmi', 'local');
});

test('a step that fails says so, and leaves no container', async () => {
  const folder = workspace('broken', {
    Dockerfile: DOCKERFILE,
    'devcontainer.json': { build: { dockerfile: 'Dockerfile', target: 'broken', args: { BASE: BUSYBOX } } },
  });
  const { status, stdout, stderr } = await devcontainer('up', folder);
  expect(status).not.toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ outcome: 'error' });
  expect(stderr).toContain('exit code: 1');
  expect(await succeed('ps', '-aq')).toBe('');
});
