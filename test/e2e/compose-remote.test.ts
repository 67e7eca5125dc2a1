/** Projects whose files are in a git repository or a registry. */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { project } from '#test/support/compose-project.ts';
import { noDistribution, startDistribution } from '#test/support/distribution.ts';
import { freePort } from '#test/support/ports.ts';
import { plant } from '#test/support/tree.ts';
import { sha256 } from '#test/support/uploads.ts';
import { testUser } from '#test/support/user.ts';
import { BUSYBOX, eventually, mendStore, readyStore, wherry } from '#test/support/wherry.ts';

beforeAll(readyStore);
afterAll(() => mendStore());

/** Why there can be no git server here; undefined where there can. */
const noDaemon = (() => {
  try {
    const at = execFileSync('git', ['--exec-path']).toString().trim();
    return existsSync(join(at, 'git-daemon')) ? undefined : 'git daemon';
  } catch {
    return 'git';
  }
})();

const answers = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = createConnection(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
    socket.once('connect', () => socket.end());
  });

/** A repository of these files with a tag v1, and a server for it. @returns its address */
async function repository(root: string, files: Record<string, string>): Promise<string> {
  const at = plant(join(root, 'served/stack.git'), files);
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', at, '-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args]);
  execFileSync('git', ['init', '--quiet', '-b', 'main', at]);
  git('add', '-A');
  git('commit', '-qm', 'one');
  git('tag', 'v1');
  const port = await freePort();
  const words = ['daemon', '--export-all', '--listen=127.0.0.1', `--port=${port}`, `--base-path=${root}/served`];
  const server = spawn('git', words, { stdio: 'ignore', detached: true });
  onTestFinished(() => void process.kill(-(server.pid ?? 0)));
  await eventually(
    () => answers(port),
    (isSo) => isSo,
  );
  return `git://127.0.0.1:${port}/stack.git`;
}

test.skipIf(noDaemon !== undefined)(
  'a project in git is built and run from its checkout, when the user has seen its variables',
  async () => {
    const { root } = project({ 'own.yaml': '' });
    const address = await repository(root, {
      'web/compose.yaml': `
name: fromgit
services:
  web:
    build: {context: ., args: {WHO: "\${WHO:-nobody}"}}
    env_file: web.env
    command: ["sh", "-c", "cat /who; echo $$A; cat /page"]
    volumes: ["./page:/page:ro"]
`,
      'web/Dockerfile': `FROM ${BUSYBOX}\nARG WHO\nRUN echo $WHO > /who\n`,
      'web/web.env': 'A=env\n',
      'web/page': 'page\n',
    });
    const from = (...args: string[]) => ['compose', '-f', `${address}#v1:web`, ...args];
    const refused = await wherry(from('up'), { cwd: root });
    expect(refused).toMatchObject({ status: 1, stderr: expect.stringContaining('operation cancelled by user') });
    expect(refused.stdout).toMatch(
      /Your compose stack ".*#v1:web" is stored in ".*\/\.cache\/docker-compose\/[0-9a-f]{40}\/web"/,
    );
    expect(refused.stdout).toContain('WHO        nobody   compose file   no         nobody\n');
    const up = await wherry(from('up', '--yes'), { cwd: root });
    expect(up).toMatchObject({ status: 0, stdout: expect.stringContaining('web-1  | page') });
    expect(up.stdout).toContain('web-1  | nobody\nweb-1  | env\n');
    expect(await wherry(from('down', '--rmi', 'local'), { cwd: root })).toMatchObject({ status: 0 });
  },
);

/** Puts a document into a registry. */
async function put(host: string, text: string): Promise<{ digest: string; size: number }> {
  const digest = sha256(Buffer.from(text));
  const begun = await fetch(`http://${host}/v2/stack/blobs/uploads/`, { method: 'POST' });
  const where = new URL(begun.headers.get('location') ?? '', `http://${host}`);
  where.searchParams.set('digest', digest);
  await fetch(where, { method: 'PUT', body: text, headers: { 'Content-Type': 'application/octet-stream' } });
  return { digest, size: Buffer.byteLength(text) };
}

test.skipIf(noDistribution !== undefined)('a project in a registry is run by its name there', async () => {
  const { root } = project({ 'own.yaml': '' });
  const registry = await startDistribution();
  onTestFinished(() => registry.close());
  const named = (file: string) => ({ 'com.docker.compose.file': file, 'com.docker.compose.version': '2.40.3' });
  const yaml = 'application/vnd.docker.compose.file+yaml';
  const manifest = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    artifactType: 'application/vnd.docker.compose.project',
    config: { mediaType: 'application/vnd.oci.empty.v1+json', ...(await put(registry.host, '{}')) },
    layers: [
      {
        mediaType: yaml,
        ...(await put(
          registry.host,
          `name: fromoci\nservices: {web: {image: ${BUSYBOX}, env_file: 1.env, command: [env]}}\n`,
        )),
        annotations: named('compose.yaml'),
      },
      {
        mediaType: yaml,
        ...(await put(registry.host, 'services: {web: {environment: {B: over}}}\n')),
        annotations: named('over.yaml'),
      },
      {
        mediaType: 'application/vnd.docker.compose.envfile',
        ...(await put(registry.host, 'A=env\n')),
        annotations: { 'com.docker.compose.envfile': '1.env' },
      },
    ],
  };
  const put1 = { method: 'PUT', body: JSON.stringify(manifest), headers: { 'Content-Type': manifest.mediaType } };
  expect((await fetch(`http://${registry.host}/v2/stack/manifests/1`, put1)).status).toBe(201);
  const from = (...args: string[]) => ['compose', '-f', `oci://${registry.host}/stack:1`, ...args];
  const up = await wherry(from('up'), { cwd: root });
  expect(up).toMatchObject({ status: 0, stdout: expect.stringContaining('web-1  | A=env') });
  expect(up.stdout).toContain('web-1  | B=over');
  expect(up.stdout).toContain(`${testUser().home}/.cache/docker-compose/`);
  expect(await wherry(from('down'), { cwd: root })).toMatchObject({ status: 0 });
});
