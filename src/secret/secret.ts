/**
 * Secrets: texts and files that containers and builds may have and images must not. Each is a directory below secrets/
 * that only its owner can read. They are not encrypted, as podman's are not: who reads the owner's files reads them.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { WherryError } from '#base/error.ts';
import { recordEvent } from '#store/events.ts';
import type { Store } from '#store/store.ts';
import { lock, readJson, removeTree, replace } from '#sys/file.ts';
import { randomHex } from '#sys/random.ts';

export interface Secret {
  id: string;
  name: string;
  labels: Record<string, string>;
  /** RFC 3339, UTC. */
  created: string;
  updated: string;
}

export interface SecretOptions {
  labels?: Record<string, string>;
  /** One of the same name is made anew. */
  replace?: boolean;
  /** One of the same name is given as it is. */
  ignore?: boolean;
}

/** Docker's and podman's limit, in bytes. */
const MOST = 500 * 1024;

const FOLDER = 'secrets';
const NAME = /^[a-zA-Z0-9]+(?:[a-zA-Z0-9-_.]*[a-zA-Z0-9])?$/;
const LONGEST = 64;

/** Makes a secret. Throws in Docker's words kind `invalid` for a bad name or size, `conflict` for a name that is taken. */
export async function createSecret(
  store: Store,
  name: string,
  data: Buffer,
  options: SecretOptions = {},
): Promise<Secret> {
  checkName(name);
  if (data.length === 0 || data.length > MOST) {
    throw new WherryError('invalid', `secret data must be larger than 0 and less than ${MOST} bytes`);
  }
  mkdirSync(store.path(FOLDER), { recursive: true, mode: 0o700 });
  using _held = await lock(store.path(FOLDER));
  const old = listSecrets(store).find((secret) => secret.name === name);
  if (old !== undefined && options.ignore) return old;
  if (old !== undefined && !options.replace) {
    throw new WherryError('conflict', `rpc error: code = AlreadyExists desc = secret ${name} already exists`);
  }
  const now = new Date().toISOString();
  const secret = { id: newSecretId(), name, labels: options.labels ?? {}, created: now, updated: now };
  write(store, secret, data);
  if (old !== undefined) removeTree(store.path(FOLDER, old.id));
  recordEvent(store, { type: 'secret', action: 'create', id: secret.id, attributes: { name } });
  return secret;
}

function checkName(name: string): void {
  if (NAME.test(name) && name.length <= LONGEST) return;
  throw new WherryError(
    'invalid',
    'invalid name, must be 64 characters or less and only contain [a-zA-Z0-9-_.], and start and end with an alphanumeric',
    {
      hint: 'Give the name first, then the file: wherry secret create NAME FILE',
    },
  );
}

/** As long as podman's and Docker's. */
const newSecretId = () => randomHex(13).slice(0, 25);

function write(store: Store, secret: Secret, data: Buffer): void {
  const staged = store.path('tmp', `secret-${process.pid}-${randomHex(6)}`);
  mkdirSync(staged, { mode: 0o700 });
  replace(`${staged}/data`, data, { durable: true });
  replace(`${staged}/secret.json`, JSON.stringify(secret), { durable: true });
  renameSync(staged, store.path(FOLDER, secret.id));
}

/** All secrets, by name. */
export function listSecrets(store: Store): Secret[] {
  if (!existsSync(store.path(FOLDER))) return [];
  return readdirSync(store.path(FOLDER))
    .flatMap((id) => readJson<Secret>(store.path(FOLDER, id, 'secret.json')) ?? [])
    .sort((one, other) => (one.name < other.name ? -1 : 1));
}

/** By its name, its id or the beginning of its id. Throws kind `not-found`; `invalid` where several begin so. */
export function needSecret(store: Store, text: string): Secret {
  const all = listSecrets(store);
  const exact = all.find(({ id, name }) => id === text || name === text);
  if (exact !== undefined) return exact;
  const [found, other] = text === '' ? [] : all.filter(({ id }) => id.startsWith(text));
  if (other !== undefined) throw new WherryError('invalid', `secret ${text} is ambiguous: several ids begin so`);
  if (found !== undefined) return found;
  throw new WherryError('not-found', `no such secret: ${text}`, { hint: 'See `wherry secret ls`' });
}

/** Its content. Throws kind `not-found`. */
export function readSecret(store: Store, text: string): Buffer {
  return readFileSync(store.path(FOLDER, needSecret(store, text).id, 'data'));
}

/** Removes it; containers that have it keep their copy. Gives its id. Throws kind `not-found`. */
export async function removeSecret(store: Store, text: string): Promise<string> {
  const { id, name } = needSecret(store, text);
  using _held = await lock(store.path(FOLDER));
  removeTree(store.path(FOLDER, id));
  recordEvent(store, { type: 'secret', action: 'remove', id, attributes: { name } });
  return id;
}
