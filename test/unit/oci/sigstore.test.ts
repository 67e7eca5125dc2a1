import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { nameOnly, parseReference } from '#oci/reference.ts';
import { type Identity, isFor, listSignatures, readKey, refusalOf, signatureTag } from '#oci/sigstore.ts';
import { makeSigner, signed, statement } from '#test/support/signature.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;
const OTHER = `sha256:${'b'.repeat(64)}`;
const NAME = 'quay.io/a/b:1';
const expected = (keys: Parameters<typeof refusalOf>[1]['keys']) => ({
  keys,
  digests: [DIGEST],
  reference: parseReference(NAME),
  identity: { type: 'matchRepoDigestOrExact' } as const,
});

test.each(['ecdsa', 'rsa', 'ed25519'] as const)('a signature by an %s key counts', (kind) => {
  const [mine, others] = [makeSigner(kind), makeSigner(kind)];
  const signature = signed(statement(DIGEST, NAME), mine);
  expect(refusalOf(signature, expected([readKey(mine.pem, 'x')]))).toBeUndefined();
  expect(refusalOf(signature, expected([others.publicKey, mine.publicKey]))).toBeUndefined();
  expect(refusalOf(signature, expected([others.publicKey]))).toMatch('cryptographic signature verification failed');
});

describe('a signature does not count', () => {
  const mine = makeSigner();
  const wrong = 'cryptographic signature verification failed';
  const malformed = 'the signed statement is malformed';
  const good = signed(statement(DIGEST, NAME), mine);
  const plain = (text: string) => signed(Buffer.from(text), mine);
  test.each([
    ['for another image', signed(statement(OTHER, NAME), mine), 'which is another image'],
    [
      'for another repository',
      signed(statement(DIGEST, 'quay.io/a/c:1'), mine),
      'Signature for identity "quay.io/a/c:1" is not accepted',
    ],
    ['for another tag', signed(statement(DIGEST, 'quay.io/a/b:2'), mine), 'is not accepted'],
    ['for no name', signed(statement(DIGEST, '../..'), mine), 'is not accepted'],
    ['of another statement', { ...good, payload: statement(DIGEST, 'quay.io/a/b:1 ') }, wrong],
    ['that is cut off', { ...good, signature: good.signature.slice(0, 20) }, wrong],
    ['that is empty', { ...good, signature: '' }, wrong],
    ['that is no base64', { ...good, signature: '???' }, wrong],
    ['of another type', signed(statement(DIGEST, NAME, { type: 'atomic container signature' }), mine), malformed],
    ['with a condition that we do not know', signed(statement(DIGEST, NAME, { expires: 'now' }), mine), malformed],
    ['of no JSON', plain('{'), malformed],
    ['of nothing', plain('null'), malformed],
    ['without a digest', signed(statement(DIGEST, NAME, { image: {} }), mine), malformed],
    ['without a name', signed(statement(DIGEST, NAME, { identity: { 'docker-reference': 5 } }), mine), malformed],
  ])('%s', (_, signature, why) => {
    expect(refusalOf(signature, expected([mine.publicKey]))).toContain(why);
  });
});

describe('a name is covered', () => {
  const remap = { type: 'remapIdentity', prefix: 'mirror.test/hub', signedPrefix: 'docker.io' } as const;
  test.each<[Identity, string, string, boolean]>([
    [{ type: 'matchExact' }, 'quay.io/a:1', 'quay.io/a:1', true],
    [{ type: 'matchExact' }, 'quay.io/a:1', 'quay.io/a:2', false],
    [{ type: 'matchExact' }, 'quay.io/a:1', 'quay.io/a', false],
    [{ type: 'matchExact' }, `quay.io/a@${DIGEST}`, 'quay.io/a:1', false],
    [{ type: 'matchRepoDigestOrExact' }, 'quay.io/a:1', 'quay.io/a:1', true],
    [{ type: 'matchRepoDigestOrExact' }, 'quay.io/a:1', 'quay.io/a:2', false],
    [{ type: 'matchRepoDigestOrExact' }, 'quay.io/a:1', 'quay.io/a', false],
    [{ type: 'matchRepoDigestOrExact' }, `quay.io/a@${DIGEST}`, 'quay.io/a:1', true],
    [{ type: 'matchRepoDigestOrExact' }, `quay.io/a@${DIGEST}`, 'quay.io/b:1', false],
    [{ type: 'matchRepository' }, 'quay.io/a:1', 'quay.io/a:2', true],
    [{ type: 'matchRepository' }, 'quay.io/a:1', 'quay.io/a', true],
    [{ type: 'matchRepository' }, 'quay.io/a:1', 'quay.io/a/b', false],
    [{ type: 'matchRepository' }, 'busybox', 'docker.io/library/busybox', true],
    [{ type: 'exactReference', dockerReference: 'quay.io/x:1' }, 'quay.io/a:1', 'quay.io/x:1', true],
    [{ type: 'exactReference', dockerReference: 'quay.io/x:1' }, 'quay.io/a:1', 'quay.io/a:1', false],
    [{ type: 'exactReference', dockerReference: 'quay.io/x' }, 'quay.io/a:1', 'quay.io/x', false],
    [{ type: 'exactRepository', dockerRepository: 'quay.io/x' }, 'quay.io/a:1', 'quay.io/x:7', true],
    [{ type: 'exactRepository', dockerRepository: 'quay.io/x' }, 'quay.io/a:1', 'quay.io/a:1', false],
    [{ type: 'exactRepository', dockerRepository: 'BAD NAME' }, 'quay.io/a:1', 'quay.io/a:1', false],
    [remap, 'mirror.test/hub/library/b:1', 'docker.io/library/b:1', true],
    [remap, 'mirror.test/hub/library/b:1', 'mirror.test/hub/library/b:1', false],
    [remap, `mirror.test/hub/library/b@${DIGEST}`, 'docker.io/library/b:1', true],
    [remap, 'mirror.test/hubs/b:1', 'mirror.test/hubs/b:1', true],
  ])('%j: asked for %s, signed for %s: %s', (identity, asked, name, answer) => {
    expect(isFor(identity, nameOnly(parseReference(asked)), name)).toBe(answer);
  });
});

test.each([
  ['nothing', ''],
  ['text', 'hello'],
  ['a private key', makeSigner().privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()],
  ['a broken key', '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n'],
])('%s is no key', (_, pem) => {
  expect(() => readKey(pem, '"cosign.pub"')).toThrow(
    'Cannot use the key "cosign.pub": it is no public key in PEM format',
  );
});

test('a key that cannot sign is refused', () => {
  const { publicKey } = generateKeyPairSync('x25519');
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  expect(() => readKey(pem, 'x')).toThrow('it is of type x25519');
});

test('what is no signature in the manifest of signatures is left out', () => {
  const good = {
    mediaType: 'application/vnd.dev.cosign.simplesigning.v1+json',
    digest: DIGEST,
    size: 5,
    annotations: { 'dev.cosignproject.cosign/signature': 'abc' },
  };
  const layers = [
    good,
    null,
    { ...good, mediaType: 'text/plain' },
    { ...good, digest: '../../etc/passwd' },
    { ...good, size: 1e12 },
    { ...good, size: -1 },
    { ...good, annotations: {} },
  ];
  expect(listSignatures(Buffer.from(JSON.stringify({ layers })))).toEqual([{ payload: good, signature: 'abc' }]);
  for (const text of ['', '{', 'null', '{"layers": 5}']) expect(listSignatures(Buffer.from(text))).toEqual([]);
  expect(listSignatures(Buffer.from(JSON.stringify({ layers: Array(1000).fill(good) })))).toHaveLength(128);
});

test('signatures are at a tag that is made of the digest', () => {
  expect(signatureTag(DIGEST)).toBe(`sha256-${'a'.repeat(64)}.sig`);
});
