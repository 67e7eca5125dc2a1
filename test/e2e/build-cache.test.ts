import { cpSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildContext } from '#test/support/build-context.ts';
import { type Distribution, noDistribution, startDistribution } from '#test/support/distribution.ts';
import { BUSYBOX, readyStore, succeed, wherry } from '#test/support/wherry.ts';

beforeAll(readyStore);

const NAME = 'build-cache/one';
afterAll(async () => {
  await wherry(['rmi', '-f', NAME]);
  await wherry(['builder', 'prune', '-af']);
});

/** A stage that is not in the result, and one that takes something of it. */
const STAGES = `FROM ${BUSYBOX} AS made
COPY a /in/
RUN seq 100000 > /large && wc -c < /large > /count
FROM ${BUSYBOX}
COPY --from=made /count /in/a /
COPY --link a /linked
RUN cat /a /count > /both && rm /a
`;

const context = () => buildContext({ Dockerfile: STAGES, a: 'hello\n' });

/** As a machine that has never built this. */
async function forget(): Promise<void> {
  await wherry(['rmi', '-f', NAME]);
  await succeed('builder', 'prune', '-af');
}

async function build(...args: string[]): Promise<{ lines: string; id: string }> {
  const { status, stderr } = await wherry(['build', '--progress', 'plain', '-t', NAME, ...args]);
  expect(status, stderr).toBe(0);
  return { lines: stderr, id: await succeed('image', 'inspect', '-f', '{{.Id}}', NAME) };
}

const cachedSteps = (lines: string) => new Set(lines.match(/^#\d+ CACHED$/gm)).size;
const fetched = (lines: string) => new Set(lines.match(/^#\d+ [0-9a-f]{12} .* done$/gm)).size;

const blobs = (place: string) => join(place, 'blobs', 'sha256');

describe('a directory', () => {
  test('gives another machine all steps, and only the layers that its image needs', async () => {
    const root = context();
    const { id } = await build('--cache-to', `type=local,dest=${root}/cache,mode=max`, root);
    expect(statSync(join(root, 'cache', 'index.json')).mode & 0o777).toBe(0o644);
    await forget();
    const again = await build('--cache-from', `type=local,src=${root}/cache`, root);
    expect(again.id).toBe(id);
    expect(cachedSteps(again.lines)).toBe(5);
    expect(fetched(again.lines)).toBe(3);
    expect(await succeed('run', '--rm', NAME, 'sh', '-c', 'cat /both /linked; ls /a; true')).toBe(
      'hello\n588895\nhello',
    );
    expect(await succeed('system', 'check')).toBe('No damage found');
    await forget();
  });

  test('in mode=min has nothing of stages that are not in the result', async () => {
    const root = context();
    await build('--cache-to', `type=local,dest=${root}/cache,compression=zstd,tag=x`, root);
    expect(readdirSync(blobs(join(root, 'cache')))).toHaveLength(3 + 2);
    await forget();
    const { lines } = await build('--cache-from', `type=local,src=${root}/cache,tag=x`, root);
    expect(lines).toMatch(/\[made 3\/3\] RUN[\s\S]*DONE/);
    expect(cachedSteps(lines)).toBe(3);
    await forget();
  });

  test('that has lost a layer, or has another content, is no reason to fail', async () => {
    const root = context();
    await build('--cache-to', `type=local,dest=${root}/cache,mode=max`, root);
    for (const damage of ['cut', 'none'] as const) {
      const place = join(root, damage);
      cpSync(join(root, 'cache'), place, { recursive: true });
      for (const name of readdirSync(blobs(place))) {
        const path = join(blobs(place), name);
        // Documents stay as they are.
        if (readFileSync(path)[0] === 0x1f) {
          if (damage === 'cut') writeFileSync(path, 'x');
          else rmSync(path);
        }
      }
      await forget();
      const { lines } = await build('--cache-from', `type=local,src=${place}`, root);
      expect(lines).toMatch(/of the cache cannot be used/);
      expect(await succeed('run', '--rm', NAME, 'cat', '/both')).toBe('hello\n588895');
    }
    await forget();
  });

  test('that is none is told, and the build goes on', async () => {
    const root = context();
    writeFileSync(join(root, 'index.json'), '[]');
    const flags = ['type=local,src=/nowhere', `type=local,src=${root}`].flatMap((one) => ['--cache-from', one]);
    const { lines } = await build(...flags, root);
    expect(lines).toContain('ERROR: could not read /nowhere/index.json: no such file or directory');
    expect(lines).toContain('ERROR: it is not a JSON object');
    await forget();
  });

  test('is not asked for what is known here', async () => {
    const root = context();
    await build(root);
    const { lines } = await build('--cache-from', 'type=local,src=/nowhere', root);
    expect(lines).not.toContain('importing cache');
    await forget();
  });

  test('that cannot be written fails the build, but with ignore-error', async () => {
    const root = context();
    const target = `type=local,dest=${root}/a/b`;
    const { status, stderr } = await wherry(['build', '-t', NAME, '--cache-to', target, root]);
    expect(status).toBe(1);
    expect(stderr).toMatch(/a\/b/);
    await build('--cache-to', `${target},ignore-error=true`, root);
    await forget();
  });
});

test('an image that is here gives the cache it was built with, and no registry is asked', async () => {
  const root = context();
  const { id } = await build('--cache-to', 'type=inline', root);
  await succeed('builder', 'prune', '-af');
  const { lines } = await build('--cache-from', NAME, root);
  expect(lines).not.toContain('ERROR');
  expect(cachedSteps(lines)).toBe(3);
  expect(await succeed('image', 'inspect', '-f', '{{.RootFS.Layers}}', NAME)).toBe(
    await succeed('image', 'inspect', '-f', '{{.RootFS.Layers}}', id),
  );
  await wherry(['rmi', '-f', id]);
  await forget();
});

test('builds go on while the cache is emptied again and again, and nothing is left over', async () => {
  const root = context();
  await build('--cache-to', `type=local,dest=${root}/cache,mode=max`, root);
  await forget();
  let isOver = false;
  const emptying = (async () => {
    while (!isOver) expect(await wherry(['builder', 'prune', '-af'])).toMatchObject({ status: 0 });
  })();
  for (const flags of [[], ['--cache-from', `type=local,src=${root}/cache`], []]) await build(...flags, root);
  isOver = true;
  await emptying;
  await forget();
  expect(await succeed('system', 'check')).toBe('No damage found');
});

describe.skipIf(noDistribution !== undefined)(`a registry (${noDistribution ?? 'here'})`, () => {
  let registry: Distribution;
  beforeAll(async () => {
    registry = await startDistribution();
  });
  afterAll(() => registry.close());

  const manifest = async (name: string) => {
    const accept = 'application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json';
    return (await fetch(`http://${registry.host}/v2/cache/manifests/${name}`, { headers: { accept } })).json();
  };

  test.each([
    ['image-manifest=true', 'one'],
    ['image-manifest=false', 'list'],
  ])('keeps a cache as BuildKit does with %s, and gives it back', async (form, tag) => {
    const root = context();
    const ref = `type=registry,ref=${registry.host}/cache:${tag}`;
    const { id } = await build('--cache-to', `${ref},mode=max,${form}`, root);
    const { config, manifests = [] } = (await manifest(tag)) as {
      config?: { mediaType: string };
      manifests?: { mediaType: string }[];
    };
    expect((config ?? manifests.at(-1))?.mediaType).toBe('application/vnd.buildkit.cacheconfig.v0');
    await forget();
    const again = await build('--cache-from', ref, '--cache-to', `${ref}-again,mode=max`, root);
    expect(again.id).toBe(id);
    expect(cachedSteps(again.lines)).toBe(5);
    // What was not needed here was not fetched for the copy of the cache.
    expect(fetched(again.lines)).toBe(3);
    await forget();
    expect(cachedSteps((await build('--cache-from', `${ref}-again`, root)).lines)).toBe(5);
    await forget();
  });

  test('has the cache in an image that was built with it; a changed file changes what depends on it', async () => {
    const root = context();
    const ref = `${registry.host}/app:1`;
    await succeed('build', '-q', '--build-arg', 'BUILDKIT_INLINE_CACHE=1', '-t', ref, '--push', root);
    await wherry(['rmi', ref]);
    await forget();
    const { lines } = await build('--cache-from', ref, root);
    expect(cachedSteps(lines)).toBe(3);
    writeFileSync(join(root, 'a'), 'other\n');
    await forget();
    expect(cachedSteps((await build('--cache-from', ref, root)).lines)).toBe(0);
    expect(await succeed('run', '--rm', NAME, 'cat', '/both')).toBe('other\n588895');
    await forget();
  });

  test('with an image that has no cache, or with nothing, is no reason to fail', async () => {
    const ref = await registry.push('plain:1', { layers: [[{ name: 'x', content: 'x' }]], config: {} });
    const absent = `${registry.host}/absent`;
    const { lines } = await build('--cache-from', ref, '--cache-from', absent, context());
    expect(lines).toContain(`ERROR: failed to configure registry cache importer: ${absent}:latest: not found`);
    await forget();
  });
});
