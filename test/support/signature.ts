/** Signatures as cosign makes them, and as somebody would who wants to deceive. */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { sha256, type TestRegistry } from '#test/support/registry.ts';

export interface Signer {
  privateKey: KeyObject;
  publicKey: KeyObject;
  /** The public key in PEM. */
  pem: string;
}

const KINDS = {
  ecdsa: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  rsa: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ed25519: () => generateKeyPairSync('ed25519'),
};

export function makeSigner(kind: keyof typeof KINDS = 'ecdsa'): Signer {
  const { privateKey, publicKey } = KINDS[kind]();
  return { privateKey, publicKey, pem: publicKey.export({ type: 'spki', format: 'pem' }).toString() };
}

/** The statement that the image with this digest is the one of that name. */
export function statement(digest: string, name: string, more: object = {}): Buffer {
  const critical = {
    type: 'cosign container image signature',
    image: { 'docker-manifest-digest': digest },
    identity: { 'docker-reference': name },
    ...more,
  };
  return Buffer.from(JSON.stringify({ critical, optional: null }));
}

export function signed(payload: Buffer, { privateKey }: Signer): { payload: Buffer; signature: string } {
  const hash = privateKey.asymmetricKeyType === 'ed25519' ? null : 'sha256';
  return { payload, signature: sign(hash, payload, privateKey).toString('base64') };
}

/** Attaches signatures to an image in a repository, as cosign's tags do. */
export function attach(
  registry: TestRegistry,
  { repository, digest }: { repository: string; digest: string },
  signatures: readonly { payload: Buffer; signature: string }[],
): void {
  const layers = signatures.map(({ payload, signature }) => {
    registry.blobs.set(sha256(payload), payload);
    return {
      mediaType: 'application/vnd.dev.cosign.simplesigning.v1+json',
      digest: sha256(payload),
      size: payload.length,
      annotations: { 'dev.cosignproject.cosign/signature': signature },
    };
  });
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const config = { mediaType: 'application/vnd.oci.image.config.v1+json', digest: sha256(Buffer.from('{}')), size: 2 };
  const manifest = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, config, layers }));
  registry.put(`${repository}:${digest.replace(':', '-')}.sig`, mediaType, manifest);
}
