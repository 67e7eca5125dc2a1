// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the variables are those of compose files
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type LoadOptions, loadProject } from '#compose/load.ts';
import { sha256, startRegistry, type TestRegistry } from '#test/support/registry.ts';
import { plant } from '#test/support/tree.ts';

const folder = mkdtempSync(join(tmpdir(), 'wherry-remote-'));
const origin = join(folder, 'origin');
const git = (...args: string[]) =>
  execFileSync('git', ['-C', origin, '-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args])
    .toString()
    .trim();

beforeAll(() => {
  execFileSync('git', ['init', '--quiet', '-b', 'main', origin]);
  plant(origin, {
    'compose.yaml': 'services: {web: {image: "web:${TAG:-none}", env_file: web.env, volumes: ["./data:/data"]}}',
    'web.env': 'A=1\n',
    '.env': 'TAG=theirs\n',
    'sub/compose.yaml': 'name: subbed\nservices: {api: {build: ./app, extends: {file: base.yaml, service: base}}}',
    'sub/base.yaml': 'services: {base: {volumes: ["./b:/b"]}}',
    'sub/app/Dockerfile': 'FROM scratch\n',
  });
  git('add', '-A');
  git('commit', '-qm', 'one');
  git('tag', '-a', 'v1', '-m', 'v1');
});
afterAll(() => rmSync(folder, { recursive: true }));

/** An address on the web, which git is told to look for here. */
const REPOSITORY = 'https://git.example.com/stack.git';

let root = '';
let cache = '';
beforeEach(() => {
  root = mkdtempSync(join(folder, 'project-'));
  cache = join(root, '.cache/docker-compose');
  vi.stubEnv('HOME', root);
  vi.stubEnv('DOCKER_CONFIG', join(root, '.docker'));
  vi.stubEnv('GIT_CONFIG_COUNT', '2');
  vi.stubEnv('GIT_CONFIG_KEY_0', `url.file://${origin}.insteadOf`);
  vi.stubEnv('GIT_CONFIG_VALUE_0', REPOSITORY);
  vi.stubEnv('GIT_CONFIG_KEY_1', `url.file://${folder}/none.insteadOf`);
  vi.stubEnv('GIT_CONFIG_VALUE_1', 'https://git.example.com/none.git');
});
afterEach(() => void vi.unstubAllEnvs());

async function load(file: string, options: Partial<LoadOptions> = {}) {
  const none = { environment: { HOME: root }, stdin: async () => '', warn: () => undefined };
  return loadProject({ ...none, files: [file], cwd: root, ...options });
}

const refused = async (file: string, environment: Record<string, string> = {}) => {
  const found = await load(file, { environment: { HOME: root, ...environment } }).then(
    () => undefined,
    ({ message }: Error) => message,
  );
  return found?.replaceAll(cache, 'CACHE').replaceAll(/[0-9a-f]{40}/g, 'COMMIT');
};

describe('a compose file in a git repository', () => {
  test('has its checkout as the project’s directory, and the name and .env of where we are', async () => {
    plant(root, { '.env': 'TAG=ours\n' });
    const project = await load(REPOSITORY, { projectDirectory: join(root, 'Named') });
    const at = join(cache, git('rev-parse', 'HEAD'));
    expect(project).toMatchObject({ name: 'named', workingDir: at, composeFiles: [join(at, 'compose.yaml')] });
    const { web } = (await load(REPOSITORY)).services;
    expect(web).toMatchObject({ image: 'web:ours', environment: { A: '1' }, volumes: [{ source: join(at, 'data') }] });
    expect(readdirSync(cache)).toEqual([git('rev-parse', 'HEAD')]);
  });

  test.each(['#v1:sub', '#main:sub/compose.yaml', '#:sub/'])('is at a ref and a path: %s', async (fragment) => {
    const project = await load(REPOSITORY + fragment);
    const at = join(cache, git('rev-parse', 'HEAD'), 'sub');
    expect(project).toMatchObject({ name: 'subbed', workingDir: at });
    expect(project.services.api).toMatchObject({
      build: { context: join(at, 'app') },
      volumes: [{ source: join(at, 'b') }],
    });
  });

  test('is included with its own directory and .env, and told of', async () => {
    plant(root, { 'inc.yaml': `include: ["${REPOSITORY}"]\nservices: {own: {image: x}}` });
    const told: string[] = [];
    const project = await load('inc.yaml', { remoteIncluded: (address) => told.push(address) });
    const at = join(cache, git('rev-parse', 'HEAD'));
    expect(project.services.web).toMatchObject({ image: 'web:theirs', volumes: [{ source: join(at, 'data') }] });
    expect([project.workingDir, told]).toEqual([root, [REPOSITORY]]);
  });

  test('is extended, its paths from the root of the checkout as docker compose has it', async () => {
    plant(root, {
      'ext.yaml': `services: {own: {image: x, extends: {file: "${REPOSITORY}#:sub/base.yaml", service: base}}}`,
    });
    const { own } = (await load('ext.yaml')).services;
    expect(own).toMatchObject({ volumes: [{ source: join(cache, git('rev-parse', 'HEAD'), 'b') }] });
  });

  test('is told of in one line where it can’t be had, and leaves nothing behind', async () => {
    expect(await refused(`${REPOSITORY}#nope`)).toBe('repository does not contain ref nope, output: ""');
    expect(await refused('https://git.example.com/none.git')).toMatch(/^Cannot read the references of https:/);
    expect(existsSync(cache)).toBe(false);
    expect(await refused(`${REPOSITORY}#:nope`)).toBe('stat CACHE/COMMIT/nope: no such file or directory');
    expect(await refused(`${REPOSITORY}#:sub/app`)).toBe(`no compose file in ${REPOSITORY}#:sub/app: not found`);
    expect(await refused(`${REPOSITORY}#:../..`)).toBe('git subdirectory path traversal detected: ../..');
    expect(readdirSync(cache)).toEqual([git('rev-parse', 'HEAD')]);
  });

  test('is not fetched where that is switched off', async () => {
    const name = 'COMPOSE_EXPERIMENTAL_GIT_REMOTE';
    expect(await refused(REPOSITORY, { [name]: 'false' })).toBe(`git remote resource is disabled by "${name}"`);
    expect(await refused(REPOSITORY, { [name]: 'maybe' })).toContain('expects boolean value: strconv.ParseBool');
    expect(await refused('oci://x', { COMPOSE_EXPERIMENTAL_OCI_REMOTE: '0' })).toContain(
      'OCI remote resource is disabled',
    );
  });
});

describe('a project in a registry', () => {
  const FILE = 'application/vnd.docker.compose.file+yaml';
  const TYPE = 'application/vnd.docker.compose.project';

  /** Puts one there as docker compose publishes it. */
  function publish(
    registry: TestRegistry,
    parts: { text: string; mediaType?: string; annotations: Record<string, string> }[],
    more: object = { artifactType: TYPE },
  ): string {
    const blob = (text: string) => {
      registry.blobs.set(sha256(Buffer.from(text)), Buffer.from(text));
      return { digest: sha256(Buffer.from(text)), size: Buffer.byteLength(text) };
    };
    const layers = parts.map(({ text, mediaType = FILE, annotations }) => ({ mediaType, ...blob(text), annotations }));
    const config = { mediaType: 'application/vnd.oci.empty.v1+json', ...blob('{}') };
    const manifest = {
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      ...more,
      config,
      layers,
    };
    const bytes = Buffer.from(JSON.stringify(manifest));
    registry.manifests.set('app:1', { mediaType: manifest.mediaType, bytes });
    return `oci://${registry.host}/app:1`;
  }
  const NAME = 'com.docker.compose.file';

  test('is its files over one another, with those that they extend and read', async () => {
    const registry = await startRegistry();
    const address = publish(registry, [
      {
        text: 'services: {web: {image: a, env_file: 1.env, extends: {file: base.yaml, service: base}}}',
        annotations: { [NAME]: 'compose.yaml' },
      },
      { text: 'services: {web: {image: b}}', annotations: { [NAME]: 'over.yaml' } },
      {
        text: 'services: {base: {hostname: h}}',
        annotations: { [NAME]: 'base.yaml', 'com.docker.compose.extends': 'true' },
      },
      {
        text: 'E=1\n',
        mediaType: 'application/vnd.docker.compose.envfile',
        annotations: { 'com.docker.compose.envfile': '1.env' },
      },
    ]);
    const web = { image: 'b', hostname: 'h', environment: { E: '1' } };
    expect((await load(address)).services.web).toMatchObject(web);
    const asked = registry.asked.length;
    expect((await load(address)).services.web).toMatchObject(web);
    expect(registry.asked.slice(asked).some(({ path }) => path.includes('/blobs/'))).toBe(false);
  });

  test('is refused where it is another thing, or would write beside its directory', async () => {
    const registry = await startRegistry();
    const part = { text: 'services: {}', annotations: {} };
    expect(await refused(publish(registry, [part], {}))).toMatch(/is not a compose project OCI artifact, but /);
    const away = { ...part, annotations: { [NAME]: '../away.yaml', 'com.docker.compose.extends': 'true' } };
    expect(await refused(publish(registry, [away]))).toBe('invalid OCI artifact');
    expect(readdirSync(cache)).toEqual([]);
    expect(await refused(`oci://${registry.host}/none:1`)).toMatch(
      /^failed to pull OCI resource ".*\/none:1": manifest for /,
    );
  });
});
