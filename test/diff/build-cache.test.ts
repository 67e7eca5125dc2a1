/** Caches of builds outside of a store: each side reads the other's and finds nothing that it knows, and no fault in them. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clearTheStage, ours, setTheStage } from '#test/support/compare.ts';
import { type Distribution, noDistribution, startDistribution } from '#test/support/distribution.ts';
import { docker, noDocker } from '#test/support/peers.ts';

const root = mkdtempSync(join(tmpdir(), 'wherry-diff-cache-'));
const context = join(root, 'context');
let registry: Distribution;
const lacking = noDocker ?? noDistribution;

describe.skipIf(lacking)(`Docker and we (${lacking ?? 'here'})`, () => {
  beforeAll(async () => {
    chmodSync(root, 0o777);
    mkdirSync(context, { mode: 0o755 });
    writeFileSync(join(context, 'Dockerfile'), 'FROM scratch\nCOPY a /\nCOPY a /b\nENV X=1\n', { mode: 0o644 });
    writeFileSync(join(context, 'a'), 'hello\n', { mode: 0o644 });
    await setTheStage([]);
    registry = await startDistribution();
  });

  afterAll(async () => {
    docker(['rmi', '-f', image('theirs')]);
    await ours(['rmi', '-f', image('ours')]);
    await ours(['builder', 'prune', '-af']);
    await clearTheStage([]);
    await registry.close();
    rmSync(root, { recursive: true, force: true });
  });

  const image = (who: string) => `${registry.host}/cached/${who}:1`;
  const building = (...flags: string[]) => ['build', '--progress', 'plain', ...flags, context];
  const inline = (who: string) => building('--build-arg', 'BUILDKIT_INLINE_CACHE=1', '-t', image(who));
  /** An image's records. */
  const recordsOf = async (who: string) => {
    const at = `http://${registry.host}/v2/cached/${who}`;
    const types = ['vnd.oci.image', 'vnd.docker.distribution'].map((type) => `application/${type}.manifest`);
    const accept = `${types[0]}.v1+json, ${types[1]}.v2+json`;
    const { config } = (await (await fetch(`${at}/manifests/1`, { headers: { accept } })).json()) as {
      config: { digest: string };
    };
    const settings = (await (await fetch(`${at}/blobs/${config.digest}`)).json()) as Record<string, string>;
    return JSON.parse(Buffer.from(settings['moby.buildkit.cache.v0'] ?? '', 'base64').toString()) as object[];
  };

  test("read each other's caches in images", async () => {
    expect(docker(inline('theirs'))).toMatchObject({ status: 0 });
    expect(docker(['push', image('theirs')])).toMatchObject({ status: 0 });
    expect(await ours(inline('ours'))).toMatchObject({ status: 0 });
    expect(await ours(['push', image('ours')])).toMatchObject({ status: 0 });
    // What is known here need not be asked for.
    await ours(['rmi', '-f', image('ours')]);
    await ours(['builder', 'prune', '-af']);
    const done = [
      docker(building('--cache-from', image('ours'))),
      await ours(building('--cache-from', image('theirs'))),
    ];
    for (const { status, stderr } of done) {
      expect(status, stderr).toBe(0);
      expect(stderr).toContain('importing cache manifest from');
      expect(stderr).not.toContain('ERROR');
    }
  });

  test('write records with the same fields', async () => {
    const fields = (records: object[]) => new Set(records.flatMap((record) => Object.keys(record)));
    const [own, theirs] = [await recordsOf('ours'), await recordsOf('theirs')];
    expect([...fields(theirs)]).toEqual(expect.arrayContaining([...fields(own)]));
    expect(own.length).toBeGreaterThan(0);
  });

  test('Docker reads a cache of ours in a directory and in a registry', async () => {
    const directory = join(root, 'cache');
    const ref = `type=registry,ref=${registry.host}/cached/apart:1`;
    const target = ['--cache-to', `type=local,dest=${directory},mode=max`, '--cache-to', `${ref},mode=max`];
    expect(await ours(building(...target))).toMatchObject({ status: 0 });
    for (const from of [`type=local,src=${directory}`, ref]) {
      const done = docker(building('--cache-from', from));
      expect(done, done.stderr).toMatchObject({ status: 0 });
      expect(done.stderr).toMatch(/importing cache manifest from/);
      expect(done.stderr).not.toMatch(/ERROR|WARNING: local cache import/);
    }
  });
});
