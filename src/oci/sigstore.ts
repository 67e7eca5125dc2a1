/**
 * Signatures as cosign attaches them to images: a signed statement (containers-signature(5), "simple signing") that a
 * repository's image has a digest. Pure: keys, statements and digests come from the caller, and what they are worth goes back.
 * Attacked by: a signature of another image, of another repository, by another key, of another statement.
 */
import type { KeyObject } from 'node:crypto';
import { WherryError } from '#base/error.ts';
import type { Descriptor } from '#oci/manifest.ts';
import { canonical, parseReference, type Reference, repositoryOf } from '#oci/reference.ts';
import { isObject } from '#oci/shape.ts';

export interface Signature {
  /** The statement, as it was signed. */
  payload: Buffer;
  /** Base64. */
  signature: string;
}

/** signedIdentity of containers-policy.json(5): for which names a signature counts. */
export type Identity =
  | { type: 'matchExact' | 'matchRepoDigestOrExact' | 'matchRepository' }
  | { type: 'exactReference'; dockerReference: string }
  | { type: 'exactRepository'; dockerRepository: string }
  | { type: 'remapIdentity'; prefix: string; signedPrefix: string };

export interface Expected {
  /** One of them has to have signed. */
  keys: readonly KeyObject[];
  /** The image's: the manifest's own, or that of the index which names it. */
  digests: readonly string[];
  /** The image, by the name that it was asked for by. */
  reference: Reference;
  identity: Identity;
}

/** Reads a public key in PEM. Throws kind `invalid` for everything else, a private key too. where: for the message. */
export function readKey(pem: string, where: string): KeyObject {
  const { createPublicKey } = process.getBuiltinModule('node:crypto');
  let key: KeyObject | undefined;
  try {
    if (/^-----BEGIN (?:RSA )?PUBLIC KEY-----$/m.test(pem)) key = createPublicKey(pem);
  } catch {
    // What OpenSSL says of it helps nobody.
  }
  if (key === undefined) {
    throw new WherryError('invalid', `Cannot use the key ${where}: it is no public key in PEM format`, {
      hint: 'Give the public part, cosign.pub or the like: it begins with -----BEGIN PUBLIC KEY-----',
    });
  }
  if (['ec', 'rsa', 'ed25519'].includes(key.asymmetricKeyType ?? '')) return key;
  throw new WherryError('invalid', `Cannot use the key ${where}: it is of type ${key.asymmetricKeyType}`, {
    hint: 'Signatures are made by ECDSA, RSA or Ed25519 keys',
  });
}

/** Why a signature doesn't count; undefined where it does. The key comes first: nothing unsigned is read. */
export function refusalOf({ payload, signature }: Signature, expected: Expected): string | undefined {
  if (!expected.keys.some((key) => isSignedBy(payload, signature, key))) {
    return 'cryptographic signature verification failed: it is not by the key';
  }
  const statement = readStatement(payload);
  if (statement === undefined) return 'the signed statement is malformed';
  if (!expected.digests.includes(statement.digest))
    return `signature for the digest ${statement.digest}, which is another image`;
  if (isFor(expected.identity, expected.reference, statement.name)) return undefined;
  return `Signature for identity "${statement.name}" is not accepted`;
}

function isSignedBy(payload: Buffer, signature: string, key: KeyObject): boolean {
  const { verify } = process.getBuiltinModule('node:crypto');
  try {
    // Ed25519 has its own hash; the others sign SHA-256, as cosign does.
    const hash = key.asymmetricKeyType === 'ed25519' ? null : 'sha256';
    return verify(hash, payload, key, Buffer.from(signature, 'base64'));
  } catch {
    return false;
  }
}

const STATEMENT = 'cosign container image signature';

/** {"critical": {"type", "image": {"docker-manifest-digest"}, "identity": {"docker-reference"}}, "optional"} and nothing else. */
function readStatement(payload: Buffer): { digest: string; name: string } | undefined {
  let json: unknown;
  try {
    json = JSON.parse(payload.toString());
  } catch {
    return undefined;
  }
  const { critical } = fields(json, ['critical', 'optional']) ?? {};
  const { type, image, identity } = fields(critical, ['type', 'image', 'identity']) ?? {};
  const digest = fields(image, ['docker-manifest-digest'])?.['docker-manifest-digest'];
  const name = fields(identity, ['docker-reference'])?.['docker-reference'];
  if (type !== STATEMENT || typeof digest !== 'string' || typeof name !== 'string') return undefined;
  return { digest, name };
}

/** An object that has no other keys: what we don't understand may be what limits the statement. */
function fields(value: unknown, keys: readonly string[]): Record<string, unknown> | undefined {
  return isObject(value) && Object.keys(value).every((key) => keys.includes(key)) ? value : undefined;
}

/** Does a signature for this name count for the image? containers-policy.json(5), signedIdentity. */
export function isFor(identity: Identity, asked: Reference, name: string): boolean {
  const signed = readName(name);
  if (signed === undefined) return false;
  switch (identity.type) {
    case 'matchExact':
      return isSame(signed, asked);
    case 'matchRepoDigestOrExact':
      return isSameOrByDigest(signed, asked);
    case 'matchRepository':
      return repositoryOf(signed) === repositoryOf(asked);
    case 'exactReference':
      return isSame(signed, readName(identity.dockerReference));
    case 'exactRepository': {
      const wanted = readName(identity.dockerRepository);
      return wanted !== undefined && repositoryOf(signed) === repositoryOf(wanted);
    }
    case 'remapIdentity':
      return isSameOrByDigest(signed, remapped(asked, identity));
  }
}

const isWhole = ({ tag, digest }: Reference) => tag !== undefined || digest !== undefined;

function isSame(signed: Reference, asked: Reference | undefined): boolean {
  return asked !== undefined && isWhole(signed) && isWhole(asked) && canonical(signed) === canonical(asked);
}

/** Who asks by digest knows which image it is: the tag that it was signed with doesn't matter. */
function isSameOrByDigest(signed: Reference, asked: Reference | undefined): boolean {
  if (asked === undefined || !isWhole(signed)) return false;
  if (asked.tag === undefined && asked.digest !== undefined) return repositoryOf(signed) === repositoryOf(asked);
  return isSame(signed, asked);
}

function remapped(asked: Reference, { prefix, signedPrefix }: { prefix: string; signedPrefix: string }) {
  const name = repositoryOf(asked);
  if (name !== prefix && !name.startsWith(`${prefix}/`)) return asked;
  return readName(signedPrefix + canonical(asked).slice(prefix.length));
}

function readName(text: string): Reference | undefined {
  try {
    return parseReference(text);
  } catch (error) {
    if (error instanceof WherryError) return undefined;
    throw error;
  }
}

const PAYLOAD = 'application/vnd.dev.cosign.simplesigning.v1+json';
const ANNOTATION = 'dev.cosignproject.cosign/signature';
/** Of one image. cosign appends; nobody signs that often. */
const MAX_SIGNATURES = 128;
const MAX_PAYLOAD = 1024 * 1024;

/** The tag in an image's repository that its signatures are attached by. */
export function signatureTag(digest: string): string {
  return `${digest.replace(':', '-')}.sig`;
}

/** The signatures that the manifest of such a tag lists: where the statement is, and what signs it. What is none is left out. */
export function listSignatures(manifest: Buffer): { payload: Descriptor; signature: string }[] {
  let json: unknown;
  try {
    json = JSON.parse(manifest.toString());
  } catch {
    return [];
  }
  const layers = isObject(json) && Array.isArray(json.layers) ? json.layers : [];
  return layers
    .filter(isSignature)
    .slice(0, MAX_SIGNATURES)
    .map((payload) => ({ payload, signature: payload.annotations?.[ANNOTATION] ?? '' }));
}

function isSignature(layer: unknown): layer is Descriptor {
  if (!isObject(layer) || layer.mediaType !== PAYLOAD || !isObject(layer.annotations)) return false;
  const { digest, size, annotations } = layer;
  const isBlob = typeof digest === 'string' && /^sha256:[0-9a-f]{64}$/.test(digest);
  return (
    isBlob &&
    Number.isSafeInteger(size) &&
    Number(size) >= 0 &&
    Number(size) <= MAX_PAYLOAD &&
    typeof annotations[ANNOTATION] === 'string'
  );
}
