import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { readCatalog } from '#image/catalog.ts';
import { pullImage } from '#image/pull.ts';
import type { Store } from '#store/store.ts';
import { architecture } from '#test/support/image.ts';
import { refuse, startRegistry } from '#test/support/registry.ts';
import { attach, makeSigner, signed, statement } from '#test/support/signature.ts';
import { temporaryDirectory, temporaryStore, unprivileged } from '#test/support/store.ts';

const mine = makeSigner();
let home = '';
let key = '';

beforeEach(() => {
  home = temporaryDirectory();
  key = join(home, 'cosign.pub');
  writeFileSync(key, mine.pem);
  vi.stubEnv('HOME', home);
});
afterEach(() => {
  vi.unstubAllEnvs();
});

/** Writes the user's policy, and gives the file's name. */
function demand(docker: object): string {
  const file = join(home, '.config/containers/policy.json');
  mkdirSync(join(home, '.config/containers'), { recursive: true });
  writeFileSync(file, JSON.stringify({ default: [{ type: 'insecureAcceptAnything' }], transports: { docker } }));
  return file;
}

const byKey = (signedIdentity?: object) => ({
  type: 'sigstoreSigned',
  keyPath: key,
  ...(signedIdentity === undefined ? {} : { signedIdentity }),
});

/** A registry with one image, and its signatures. */
async function signedImage(make: (digest: string, host: string) => ReturnType<typeof signed>[]) {
  const registry = await startRegistry();
  const { manifest } = await registry.addImage('a/b:1');
  attach(registry, { repository: 'a/b', digest: manifest.digest }, make(manifest.digest, registry.host));
  return { store: temporaryStore(), registry, name: `${registry.host}/a/b:1`, digest: manifest.digest };
}

function expectNothing(store: Store): void {
  expect(readCatalog(store)).toEqual([]);
  for (const folder of ['blobs/sha256', 'layers', 'tmp']) expect(readdirSync(store.path(folder))).toEqual([]);
}

describe.skipIf(unprivileged)('as root, for unpacking changes owners', () => {
  test('an image that the key has signed comes, by the policy and by --verify-key', async () => {
    const { store, registry, name } = await signedImage((digest, host) => [
      signed(statement(digest, `${host}/a/b:1`), mine),
    ]);
    demand({ [registry.host]: [byKey()] });
    await pullImage(store, name);
    await pullImage(store, name, { verifyKey: key });
    expect(readCatalog(store).length).toBeGreaterThan(0);
  });

  test('one good signature among others is enough', async () => {
    const { store, registry, name } = await signedImage((digest, host) => [
      signed(statement(digest, `${host}/a/b:1`), makeSigner('rsa')),
      signed(Buffer.from('garbage'), mine),
      signed(statement(digest, `${host}/a/b:1`), mine),
    ]);
    demand({ [registry.host]: [byKey()] });
    await pullImage(store, name);
  });

  test('an index that is signed vouches for what it names, and so does the manifest that is signed', async () => {
    for (const what of ['index', 'manifest'] as const) {
      const [store, registry] = [temporaryStore(), await startRegistry()];
      const { manifest } = await registry.addImage('a:one');
      const index = registry.addIndex('a:1', [{ ...manifest, platform: { os: 'linux', architecture } }]);
      const digest = what === 'index' ? index.digest : manifest.digest;
      attach(registry, { repository: 'a', digest }, [signed(statement(digest, `${registry.host}/a:1`), mine)]);
      await pullImage(store, `${registry.host}/a:1`, { verifyKey: key });
    }
  });

  test('what comes from a mirror is signed for the name that was asked for', async () => {
    const { store, registry } = await signedImage((digest) => [signed(statement(digest, 'away.test/a/b:1'), mine)]);
    const conf = join(home, 'registries.conf');
    writeFileSync(conf, `[[registry]]\nlocation = "away.test"\n[[registry.mirror]]\nlocation = "${registry.host}"\n`);
    vi.stubEnv('CONTAINERS_REGISTRIES_CONF', conf);
    demand({ 'away.test': [byKey()], [registry.host]: [{ type: 'reject' }] });
    await pullImage(store, 'away.test/a/b:1');
  });
});

const NOT_BY_KEY = 'cryptographic signature verification failed: it is not by the key';

describe('nothing is kept of an image', () => {
  test.each<[string, Parameters<typeof signedImage>[0], string]>([
    ['without signatures', () => [], 'A signature was required, but no signature exists'],
    [
      'that another key has signed',
      (digest, host) => [signed(statement(digest, `${host}/a/b:1`), makeSigner())],
      NOT_BY_KEY,
    ],
    [
      'with the signature of another image',
      (_, host) => [signed(statement(`sha256:${'0'.repeat(64)}`, `${host}/a/b:1`), mine)],
      'which is another image',
    ],
    [
      'with the signature of another repository',
      (digest, host) => [signed(statement(digest, `${host}/a/c:1`), mine)],
      '/a/c:1" is not accepted',
    ],
    [
      'with garbage for a signature',
      (digest, host) => [{ payload: statement(digest, `${host}/a/b:1`), signature: 'garbage' }],
      NOT_BY_KEY,
    ],
    [
      'with many bad signatures',
      (digest, host) => [
        signed(statement(digest, 'x:1'), mine),
        signed(statement(digest, `${host}/a/b:1`), makeSigner()),
      ],
      'None of the signatures were accepted, reasons: ',
    ],
  ])('%s', async (_, make, why) => {
    const { store, registry, name } = await signedImage(make);
    const file = demand({ [registry.host]: [byKey()] });
    await expect(pullImage(store, name)).rejects.toThrow(
      expect.objectContaining({
        kind: 'denied',
        message: expect.stringMatching(new RegExp(`^Source image rejected: .*${why}`)),
        hint: `This is what the policy ${file} asks for`,
      }),
    );
    expectNothing(store);
  });

  test('whose signatures cannot be asked for', async () => {
    const { store, registry, name } = await signedImage(() => []);
    registry.misbehave = (request, response) => {
      if (!request.url?.endsWith('.sig')) return false;
      refuse(response, 400, 'UNSUPPORTED', 'not today');
      return true;
    };
    await expect(pullImage(store, name, { verifyKey: key })).rejects.toThrow('unsupported: not today');
    expectNothing(store);
  });

  test('that two demands are made on and only one is met', async () => {
    const { store, registry, name } = await signedImage((digest, host) => [
      signed(statement(digest, `${host}/a/b:1`), mine),
    ]);
    const other = join(home, 'other.pub');
    writeFileSync(other, makeSigner().pem);
    demand({ [registry.host]: [byKey(), { type: 'sigstoreSigned', keyPath: other }] });
    await expect(pullImage(store, name)).rejects.toThrow(NOT_BY_KEY);
    demand({ [registry.host]: [{ type: 'insecureAcceptAnything' }] });
    await expect(pullImage(store, name, { verifyKey: other })).rejects.toThrow(NOT_BY_KEY);
    expectNothing(store);
  });
});

test.each([
  [
    [{ type: 'reject' }],
    'denied',
    /^Source image rejected: Running image docker:\/\/.*\/a\/b:1 is rejected by policy\.$/,
  ],
  [
    [{ type: 'signedBy', keyType: 'GPGKeys', keyPath: '/k' }],
    'unsupported',
    /signatures by GPG \(signedBy\) cannot be checked here/,
  ],
  [
    [{ type: 'sigstoreSigned', keyPath: '/absent/key' }],
    'invalid',
    /^Cannot read the key "\/absent\/key": no such file or directory$/,
  ],
])('the policy %j ends a pull before the registry is asked', async (requirements, kind, message) => {
  const { store, registry, name } = await signedImage(() => []);
  demand({ [registry.host]: requirements });
  await expect(pullImage(store, name)).rejects.toThrow(
    expect.objectContaining({ kind, message: expect.stringMatching(message) }),
  );
  expect(registry.asked).toEqual([]);
});
