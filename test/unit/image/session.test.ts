import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Progress } from '#base/progress.ts';
import { needImage } from '#image/names.ts';
import { pullAllTags, pullImage } from '#image/pull.ts';
import { parseReference } from '#oci/reference.ts';
import { openTarget } from '#oci/sources.ts';
import { refuse, startRegistry } from '#test/support/registry.ts';
import { temporaryDirectory, temporaryStore, unprivileged } from '#test/support/store.ts';

let home = '';

beforeEach(() => {
  home = temporaryDirectory();
  vi.stubEnv('HOME', home);
  vi.stubEnv('DOCKER_CONFIG', join(home, '.docker'));
});
afterEach(() => {
  vi.unstubAllEnvs();
});

function configure(text: string): void {
  const path = join(home, 'registries.conf');
  writeFileSync(path, text);
  vi.stubEnv('CONTAINERS_REGISTRIES_CONF', path);
}

/** A name, and the two registries that have it: a mirror and, where the name leads to, the registry itself. */
async function twoPlaces(more = '') {
  const [store, mirror, primary] = [temporaryStore(), await startRegistry(), await startRegistry()];
  configure(`[[registry]]
prefix = "away.test/team"
location = "${primary.host}/real"
[[registry.mirror]]
location = "${mirror.host}/copies/of"
${more}`);
  return { store, mirror, primary, name: 'away.test/team/app:1' };
}

describe.skipIf(unprivileged)('as root, for unpacking changes owners', () => {
  test('a mirror that has the image serves it, under the name that was asked for', async () => {
    const { store, mirror, primary, name } = await twoPlaces();
    const { manifest } = await mirror.addImage('copies/of/app:1');
    const { image } = await pullImage(store, name);
    expect(image.references).toEqual(['away.test/team/app:1', `away.test/team/app@${manifest.digest}`]);
    expect(primary.asked).toEqual([]);
    expect(await pullImage(store, name)).toMatchObject({ upToDate: true });
  });

  test('a mirror that lacks it is passed over, and that is said', async () => {
    const { store, primary, name } = await twoPlaces();
    await primary.addImage('real/app:1');
    const events: Progress[] = [];
    await pullImage(store, name, { progress: (event) => events.push(event) });
    const texts = events.flatMap((event) => (event.kind === 'message' ? [event.text] : []));
    expect(texts[0]).toMatch(
      /^The mirror 127\.0\.0\.1:[0-9]+\/copies\/of failed: manifest for away\.test\/team\/app:1/,
    );
    expect(texts.at(-1)).toBe('Status: Downloaded newer image for away.test/team/app:1');
  });

  test('a mirror that lies about a layer is passed over in the middle', async () => {
    const { store, mirror, primary, name } = await twoPlaces();
    const layers = [[{ name: 'one', content: 'x' }], [{ name: 'two', content: 'y'.repeat(10_000) }]];
    const image = await mirror.addImage('copies/of/app:1', { layers });
    await primary.addImage('real/app:1', { layers });
    const lie = image.layers[1];
    mirror.misbehave = (request, response) => {
      if (!request.url?.endsWith(lie?.digest ?? '')) return false;
      response.end(Buffer.alloc(lie?.bytes.length ?? 0));
      return true;
    };
    await pullImage(store, name);
    expect(needImage(store, name).size).toBe(10_001);
    expect(primary.asked.map((one) => one.path)).toContain(`/v2/real/app/blobs/${lie?.digest}`);
  });

  test('each place has credentials of its own', async () => {
    const { store, mirror, primary, name } = await twoPlaces();
    mirror.auth = { kind: 'basic', user: 'm', password: 'wrong' };
    primary.auth = { kind: 'bearer', user: 'p', password: 'secret' };
    await primary.addImage('real/app:1');
    const auth = (pair: string) => ({ auth: Buffer.from(pair).toString('base64') });
    mkdirSync(join(home, '.docker'));
    const auths = { [mirror.host]: auth('m:mine'), [primary.host]: auth('p:secret') };
    writeFileSync(join(home, '.docker/config.json'), JSON.stringify({ auths }));
    await pullImage(store, name);
    const sent = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;
    expect(new Set(mirror.asked.map((one) => one.authorization))).toEqual(new Set([undefined, sent('m:mine')]));
    expect(primary.asked.map((one) => one.authorization)).not.toContain(sent('m:mine'));
  });

  test('all tags are those of the registry, not of a mirror', async () => {
    const { store, mirror, primary } = await twoPlaces();
    await mirror.addImage('copies/of/app:1');
    await primary.addImage('real/app:1');
    await primary.addImage('real/app:2');
    const pulled = await pullAllTags(store, 'away.test/team/app');
    expect(pulled.map((one) => one.reference)).toEqual(['away.test/team/app:1', 'away.test/team/app:2']);
    expect(mirror.asked.map((one) => one.path)).toContain('/v2/copies/of/app/manifests/1');
  });

  test('an alias leads elsewhere, its name stays; the same name in full is not changed', async () => {
    const [store, registry] = [temporaryStore(), await startRegistry()];
    await registry.addImage('my/box:2');
    configure(`[aliases]\nbox = "${registry.host}/my/box"\n[[registry]]\nlocation = "docker.io"\nblocked = true\n`);
    const { image } = await pullImage(store, 'box:2');
    expect(image.references[0]).toBe('docker.io/library/box:2');
    await expect(pullImage(store, 'docker.io/library/box:2')).rejects.toThrow('registry docker.io is blocked in ');
  });
});

test('where all fail, the registry has the first word and the mirrors the last', async () => {
  const { store, mirror, primary, name } = await twoPlaces();
  mirror.misbehave = (_request, response) => {
    refuse(response, 404, 'NAME_UNKNOWN', 'no such copy');
    return true;
  };
  await expect(pullImage(store, name)).rejects.toThrow(
    `manifest for away.test/team/app:1 not found: manifest unknown: manifest unknown (the mirrors failed too: ${mirror.host}/copies/of: repository away.test/team/app not found: name unknown: no such copy)`,
  );
  expect(primary.asked.length).toBeGreaterThan(0);
});

test('a push goes to the location, never to a mirror', async () => {
  const { primary } = await twoPlaces();
  const registry = await openTarget(parseReference('away.test/team/app:1'));
  expect(registry.url.host).toBe(primary.host);
  expect(registry.at(parseReference('away.test/team/app:1'))).toMatchObject({ path: 'real/app', tag: '1' });
  await registry.close();
});

test('an abort does not go on to the next place', async () => {
  const { store, mirror, primary, name } = await twoPlaces();
  const stop = new AbortController();
  mirror.misbehave = () => {
    stop.abort(new Error('enough'));
    return true;
  };
  await expect(pullImage(store, name, { abort: stop.signal })).rejects.toThrow('enough');
  expect(primary.asked).toEqual([]);
});
