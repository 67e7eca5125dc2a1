import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadPolicy, parsePolicy, requirementsFor } from '#oci/policy.ts';
import { nameOnly, parseReference } from '#oci/reference.ts';
import { temporaryDirectory } from '#test/support/store.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;
const accept = [{ type: 'insecureAcceptAnything' }];
const reject = [{ type: 'reject' }];
const parse = (json: unknown) => parsePolicy(JSON.stringify(json), '/p.json');

describe('the longest scope counts', () => {
  test.each([
    ['quay.io/a/b:1', 'quay.io/a/b:1'],
    [`quay.io/a/b@${DIGEST}`, `quay.io/a/b@${DIGEST}`],
    ['quay.io/a/b:1', 'quay.io/a/b'],
    ['quay.io/a/b:1', 'quay.io/a'],
    ['quay.io/a/b:1', 'quay.io'],
    ['quay.io/a/b:1', '*.io'],
    ['a.b.test:5000/x', '*.b.test'],
    ['a.b.test:5000/x', 'a.b.test:5000'],
    ['busybox', 'docker.io/library/busybox:latest'],
    ['busybox', 'docker.io/library'],
    ['busybox', ''],
  ])('%s is in %j', (name, scope) => {
    const policy = parse({ default: accept, transports: { docker: { [scope]: reject } } });
    expect(requirementsFor(policy, nameOnly(parseReference(name)))).toEqual(reject);
  });
  test.each([
    ['quay.io/a/b:1', 'quay.io/a/b:2'],
    ['quay.io/a/b:1', 'quay.io/a/'],
    ['quay.io/ab:1', 'quay.io/a'],
    ['b.test/x', '*.b.test'],
    ['a.b.test:5000/x', 'a.b.test'],
    ['quay.io/a', 'constructor'],
  ])('%s is not in %s', (name, scope) => {
    const policy = parse({ default: accept, transports: { docker: { [scope]: reject } } });
    expect(requirementsFor(policy, nameOnly(parseReference(name)))).toEqual(accept);
  });
  test('and not a shorter one', () => {
    const docker = { '': reject, 'quay.io': reject, 'quay.io/a': accept, '*.io': reject };
    expect(
      requirementsFor(parse({ default: reject, transports: { docker } }), parseReference('quay.io/a/b:1')),
    ).toEqual(accept);
  });
});

test('what is demanded is read', () => {
  const identity = { type: 'remapIdentity', prefix: 'a', signedPrefix: 'b' };
  const pem = Buffer.from('KEY').toString('base64');
  const policy = parse({
    default: [
      { type: 'sigstoreSigned', keyPaths: ['/a', '/b'], signedIdentity: identity },
      { type: 'sigstoreSigned', keyData: pem },
    ],
    transports: { 'docker-daemon': { '': accept } },
  });
  expect(policy.default).toEqual([
    { type: 'sigstoreSigned', keys: [{ path: '/a' }, { path: '/b' }], identity },
    { type: 'sigstoreSigned', keys: [{ pem: 'KEY' }], identity: { type: 'matchRepoDigestOrExact' } },
  ]);
});

test.each([
  [{ type: 'signedBy', keyType: 'GPGKeys', keyPath: '/k' }, 'signatures by GPG (signedBy)'],
  [{ type: 'sigstoreSigned', fulcio: {}, rekorPublicKeyPath: '/k' }, 'sigstoreSigned with fulcio'],
  [{ type: 'sigstoreSigned', keyPath: '/k', rekorPublicKeyPath: '/k' }, 'sigstoreSigned with rekorPublicKeyPath'],
])('%j is known to be beyond us', (requirement, what) => {
  expect(parse({ default: [requirement] }).default).toEqual([{ type: 'unsupported', what }]);
});

test.each([
  ['{', "Expected property name or '}' in JSON at position 1 (line 1 column 2)"],
  ['[]', 'the policy is not an object'],
  ['{}', 'Default policy is missing'],
  ['{"default": [], "x": 1}', 'Unknown key "x" in the policy'],
  ['{"default": []}', 'List of verification policy requirements must not be empty ("default")'],
  ['{"default": [{"type": "reject", "x": 1}]}', 'Unknown key "x" in "default"'],
  ['{"default": [{"type": "maybe"}]}', 'Unknown policy requirement type "maybe" in "default"'],
  ['{"default": [null]}', 'Unknown policy requirement type "" in "default"'],
  ['{"default": [{"type": "reject"}], "transports": {"docker": {"a": {}}}}', 'the scope "a" is not a list'],
  ['{"default": [{"type": "reject"}], "transports": []}', '"transports" is not an object'],
  ['{"default": [{"type": "sigstoreSigned"}]}', 'exactly one of keyPath, keyPaths,'],
  ['{"default": [{"type": "sigstoreSigned", "keyPath": "a", "keyData": "b"}]}', 'exactly one of keyPath, keyPaths,'],
  ['{"default": [{"type": "sigstoreSigned", "keyPath": 5}]}', '"keyPath" in "default" is malformed'],
  ['{"default": [{"type": "sigstoreSigned", "keyPaths": []}]}', '"keyPaths" in "default" is malformed'],
  [
    '{"default": [{"type": "sigstoreSigned", "keyPath": "a", "signedIdentity": {"type": "any"}}]}',
    'Unknown policy reference match type "any"',
  ],
  [
    '{"default": [{"type": "sigstoreSigned", "keyPath": "a", "signedIdentity": {"type": "exactReference"}}]}',
    'signedIdentity of "default" needs "dockerReference"',
  ],
])('%s is refused in one line', (text, why) => {
  expect(() => parsePolicy(text, '/p.json')).toThrow(
    expect.objectContaining({
      kind: 'invalid',
      message: expect.stringContaining(`invalid policy in "/p.json": ${why}`),
    }),
  );
});

test("the user's policy replaces the machine's", () => {
  const home = temporaryDirectory();
  mkdirSync(join(home, '.config/containers'), { recursive: true });
  const file = join(home, '.config/containers/policy.json');
  writeFileSync(file, JSON.stringify({ default: reject }));
  expect(loadPolicy({ HOME: home })).toEqual({ file, default: reject, scopes: {} });
});
