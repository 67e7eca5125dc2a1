/** Is an image to be trusted? The user's policy and a key given by hand are asked before anything of it is kept. */
import { readFileSync } from 'node:fs';
import { WherryError } from '#base/error.ts';
import { MAX_DOCUMENT } from '#oci/manifest.ts';
import { type KeySource, loadPolicy, requirementsFor } from '#oci/policy.ts';
import { canonical, type Reference } from '#oci/reference.ts';
import type { Registry } from '#oci/registry.ts';
import type { Expected, Signature } from '#oci/sigstore.ts';
import { download } from '#oci/transfer.ts';

/** One signature that an image has to have. */
export interface Demand {
  keys: Expected['keys'];
  identity: Expected['identity'];
  /** Who demands it, for messages. */
  by: string;
}

/**
 * What an image has to have for the user's policy and for a key given by hand; mostly nothing. Asks nobody.
 * reference: what the name stands for, with tag or digest. Throws kind `denied` for what a policy rejects, kind
 * `unsupported` for requirements that can't be checked here, kind `invalid` for malformed policies and keys.
 */
export async function demandsOn(reference: Reference, verifyKey: string | undefined): Promise<Demand[]> {
  const demands: Demand[] = [];
  if (verifyKey !== undefined) {
    const keys = await readKeys([{ path: verifyKey }]);
    demands.push({ keys, identity: { type: 'matchRepository' }, by: `--verify-key ${verifyKey}` });
  }
  const policy = loadPolicy();
  for (const requirement of policy === undefined ? [] : requirementsFor(policy, reference)) {
    const by = `the policy ${policy?.file}`;
    if (requirement.type === 'reject') {
      throw rejected(`Running image docker://${canonical(reference)} is rejected by policy.`, by);
    }
    if (requirement.type === 'unsupported') throw unsupported(requirement.what, by);
    if (requirement.type !== 'sigstoreSigned') continue;
    demands.push({ keys: await readKeys(requirement.keys), identity: requirement.identity, by });
  }
  return demands;
}

function rejected(why: string, by: string): WherryError {
  return new WherryError('denied', `Source image rejected: ${why}`, { hint: `This is what ${by} asks for` });
}

function unsupported(what: string, by: string): WherryError {
  return new WherryError(
    'unsupported',
    `Cannot verify the image: ${what} cannot be checked here, and ${by} asks for it`,
    {
      hint: 'Have the image signed by a cosign key and write sigstoreSigned with keyPath, or get it by podman or skopeo',
    },
  );
}

async function readKeys(sources: readonly KeySource[]): Promise<Expected['keys']> {
  const { readKey } = await import('#oci/sigstore.ts');
  return sources.map((source) =>
    'pem' in source ? readKey(source.pem, 'in the policy') : readKey(readPem(source.path), `"${source.path}"`),
  );
}

function readPem(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why = { ENOENT: 'no such file or directory', EACCES: 'permission denied', EISDIR: 'it is a directory' }[
      code ?? ''
    ];
    if (why === undefined) throw cause;
    throw new WherryError('invalid', `Cannot read the key "${path}": ${why}`, { cause });
  }
}

export interface Suspect {
  /** The name that the registry is asked by. */
  asked: Reference;
  /** What it stands for: signatures are for that. */
  origin: Reference;
  /** Of what the name leads to, then of the manifest in it: a signature for either counts. */
  digests: readonly string[];
}

/** Throws kind `denied` unless each demand is met by a signature that the registry has beside the image. */
export async function verifyImage(registry: Registry, suspect: Suspect, demands: readonly Demand[]): Promise<void> {
  if (demands.length === 0) return;
  const { refusalOf } = await import('#oci/sigstore.ts');
  const { asked, origin, digests } = suspect;
  const signatures: Signature[] = [];
  for (const digest of new Set(digests)) signatures.push(...(await fetchSignatures(registry, asked, digest)));
  for (const { keys, identity, by } of demands) {
    const refusals = signatures.map((one) => refusalOf(one, { keys, identity, digests, reference: origin }));
    if (refusals.includes(undefined)) continue;
    const reasons = [...new Set(refusals)];
    if (reasons.length === 0) throw rejected('A signature was required, but no signature exists', by);
    throw rejected(
      reasons.length === 1 ? `${reasons[0]}` : `None of the signatures were accepted, reasons: ${reasons.join('; ')}`,
      by,
    );
  }
}

async function fetchSignatures(registry: Registry, asked: Reference, digest: string): Promise<Signature[]> {
  const { listSignatures, signatureTag } = await import('#oci/sigstore.ts');
  const { domain, path } = asked;
  const reference = { domain, path, tag: signatureTag(digest) };
  const found: Signature[] = [];
  for (const { payload, signature } of listSignatures(await manifestIfThere(registry, reference))) {
    const chunks: Buffer[] = [];
    // What is signed is checked by its signature: the digest of the blob adds nothing.
    for await (const chunk of download(registry, reference, payload)) chunks.push(chunk);
    found.push({ payload: Buffer.concat(chunks, Math.min(payload.size, MAX_DOCUMENT)), signature });
  }
  return found;
}

async function manifestIfThere(registry: Registry, reference: Reference): Promise<Buffer> {
  try {
    return (await registry.manifest(reference)).bytes;
  } catch (error) {
    if (error instanceof WherryError && error.kind === 'not-found') return Buffer.alloc(0);
    throw error;
  }
}
