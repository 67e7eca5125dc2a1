/**
 * Which images may come here: containers-policy.json(5), for names at registries (the transport "docker"). Without a file
 * everything may, as with Docker. What a policy says and we can't check is an error: never a yes.
 */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { hasCode, WherryError } from '#base/error.ts';
import { canonical, type Reference, repositoryOf } from '#oci/reference.ts';
import { isObject } from '#oci/shape.ts';
import type { Identity } from '#oci/sigstore.ts';
import { readText } from '#sys/file.ts';

export type Requirement =
  | { type: 'insecureAcceptAnything' | 'reject' }
  /** Known to podman, not to us. */
  | { type: 'unsupported'; what: string }
  | { type: 'sigstoreSigned'; keys: KeySource[]; identity: Identity };

/** A key's place, or the key itself. */
export type KeySource = { path: string } | { pem: string };

export interface Policy {
  file: string;
  default: Requirement[];
  /** By scope: docker.io/library/busybox:1, docker.io/library, quay.io, *.example.com, or "" for all of the rest. */
  scopes: Record<string, Requirement[]>;
}

/** The user's policy, else the machine's; undefined where there is none. Throws kind `invalid` for one that can't be read. */
export function loadPolicy(env: NodeJS.ProcessEnv = process.env): Policy | undefined {
  const own = join(env.HOME || homedir(), '.config/containers/policy.json');
  for (const file of [own, '/etc/containers/policy.json']) {
    const text = read(file);
    if (text !== undefined) return parsePolicy(text, file);
  }
  return undefined;
}

function read(file: string): string | undefined {
  try {
    return readText(file);
  } catch (cause) {
    if (!hasCode(cause, 'EACCES', 'EISDIR')) throw cause;
    const why = hasCode(cause, 'EACCES') ? 'permission denied' : 'it is a directory';
    throw new WherryError('invalid', `Cannot read the policy "${file}": ${why}`, { cause });
  }
}

/** What counts for a name: the longest scope that it is in, else the default. reference: with tag or digest. */
export function requirementsFor({ scopes, default: fallback }: Policy, reference: Reference): Requirement[] {
  for (const scope of [...scopesOf(reference), '']) if (Object.hasOwn(scopes, scope)) return scopes[scope] ?? [];
  return fallback;
}

/** From the narrowest to the widest. */
function scopesOf(reference: Reference): string[] {
  const scopes = [canonical(reference)];
  for (let name = repositoryOf(reference); name !== ''; name = name.slice(0, Math.max(0, name.lastIndexOf('/')))) {
    scopes.push(name);
  }
  const labels = reference.domain.replace(/:[0-9]+$/, '').split('.');
  return [...scopes, ...labels.slice(1).map((_, at) => `*.${labels.slice(at + 1).join('.')}`)];
}

type Fail = (why: string) => WherryError;

/** Reads a policy. Strict, as podman is: a key that we don't know could be what forbids. */
export function parsePolicy(text: string, file: string): Policy {
  const fail: Fail = (why) => new WherryError('invalid', `invalid policy in "${file}": ${why}`);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw fail((error as Error).message);
  }
  const { default: fallback, transports = {} } = only(json, ['default', 'transports'], { of: 'the policy', fail });
  if (fallback === undefined) throw fail('Default policy is missing');
  if (!isObject(transports)) throw fail('"transports" is not an object');
  const { docker = {} } = transports;
  if (!isObject(docker)) throw fail('"docker" in "transports" is not an object');
  const scopes = Object.entries(docker).map(([scope, value]) => [
    scope,
    requirements(value, `the scope "${scope}"`, fail),
  ]);
  return { file, default: requirements(fallback, '"default"', fail), scopes: Object.fromEntries(scopes) };
}

type Json = Record<string, unknown>;

function only(value: unknown, keys: readonly string[], { of, fail }: { of: string; fail: Fail }): Json {
  if (!isObject(value)) throw fail(`${of} is not an object`);
  const unknown = Object.keys(value).find((key) => !keys.includes(key));
  if (unknown !== undefined) throw fail(`Unknown key "${unknown}" in ${of}`);
  return value;
}

function requirements(value: unknown, of: string, fail: Fail): Requirement[] {
  if (!Array.isArray(value)) throw fail(`${of} is not a list`);
  if (value.length === 0) throw fail(`List of verification policy requirements must not be empty (${of})`);
  return value.map((one) => requirement(one, of, fail));
}

const SIGSTORE_KEYS = [
  'keyPath',
  'keyPaths',
  'keyData',
  'keyDatas',
  'fulcio',
  'pki',
  'rekorPublicKeyPath',
  'rekorPublicKeyPaths',
];
const SIGSTORE_OTHER = ['type', 'rekorPublicKeyData', 'rekorPublicKeyDatas', 'signedIdentity'];

function requirement(value: unknown, of: string, fail: Fail): Requirement {
  const { type } = isObject(value) ? value : {};
  switch (type) {
    case 'insecureAcceptAnything':
    case 'reject':
      only(value, ['type'], { of, fail });
      return { type };
    case 'signedBy':
      return { type: 'unsupported', what: 'signatures by GPG (signedBy)' };
    case 'sigstoreSigned':
      return sigstoreSigned(only(value, [...SIGSTORE_KEYS, ...SIGSTORE_OTHER], { of, fail }), of, fail);
    default:
      throw fail(`Unknown policy requirement type ${JSON.stringify(type ?? '')} in ${of}`);
  }
}

function sigstoreSigned(json: Json, of: string, fail: Fail): Requirement {
  const foreign = Object.keys(json).find((key) => /^(?:fulcio|pki|rekor)/.test(key));
  if (foreign !== undefined) return { type: 'unsupported', what: `sigstoreSigned with ${foreign}` };
  const given = ['keyPath', 'keyPaths', 'keyData', 'keyDatas'].filter((key) => json[key] !== undefined);
  const [key = ''] = given;
  if (given.length !== 1) {
    throw fail(
      `exactly one of keyPath, keyPaths, keyData, keyDatas, fulcio and pki must be given for sigstoreSigned in ${of}`,
    );
  }
  const texts = key.endsWith('s') ? json[key] : [json[key]];
  if (!Array.isArray(texts) || texts.length === 0 || !texts.every((text) => typeof text === 'string' && text !== '')) {
    throw fail(`"${key}" in ${of} is malformed`);
  }
  const keys = texts.map((text) =>
    key.startsWith('keyPath') ? { path: text } : { pem: Buffer.from(text, 'base64').toString() },
  );
  const { signedIdentity = { type: 'matchRepoDigestOrExact' } } = json;
  return { type: 'sigstoreSigned', keys, identity: identity(signedIdentity, of, fail) };
}

/** Type -> the other fields that it has. */
const IDENTITIES: Record<Identity['type'], readonly string[]> = {
  matchExact: [],
  matchRepoDigestOrExact: [],
  matchRepository: [],
  exactReference: ['dockerReference'],
  exactRepository: ['dockerRepository'],
  remapIdentity: ['prefix', 'signedPrefix'],
};

function identity(value: unknown, of: string, fail: Fail): Identity {
  const type = isObject(value) ? value.type : undefined;
  if (typeof type !== 'string' || !Object.hasOwn(IDENTITIES, type)) {
    throw fail(`Unknown policy reference match type ${JSON.stringify(type ?? '')} in ${of}`);
  }
  const names = IDENTITIES[type as Identity['type']];
  const json = only(value, ['type', ...names], { of: `signedIdentity of ${of}`, fail });
  const missing = names.find((name) => typeof json[name] !== 'string' || json[name] === '');
  if (missing !== undefined) throw fail(`signedIdentity of ${of} needs "${missing}"`);
  return json as unknown as Identity;
}
