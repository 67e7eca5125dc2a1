/**
 * What a build is given of the user's own, secrets and ssh agents: found and checked before anything else is done, as buildx
 * does it.
 */
import { readFileSync, statSync } from 'node:fs';
import { reasonOf } from '#base/errno.ts';
import { hasCode, WherryError } from '#base/error.ts';
import type { BuildSecret, BuildSsh } from '#build/request.ts';

export interface Grants {
  secrets: BuildSecret[];
  ssh: BuildSsh[];
}

/** The most that a secret may have, as BuildKit's. */
const MOST_SECRET = 500 * 1024;

const invalid = (message: string, options: { hint?: string; cause?: unknown } = {}) =>
  new WherryError('invalid', message, options);

/**
 * A secret without a source is the variable of its name, or else the file; of several with one id the last one holds. An
 * agent without a path is the user's. Throws kind `invalid` in buildx's words for what is not there.
 */
export function settleGrants({ secrets, ssh }: Grants, environment: NodeJS.ProcessEnv): Grants {
  return {
    secrets: [...new Map(secrets.map((secret) => [secret.id, settleSecret(secret, environment)])).values()],
    ssh: settleAgents(ssh, environment),
  };
}

function settleSecret({ id, file, env }: BuildSecret, environment: NodeJS.ProcessEnv): BuildSecret {
  if (id === '') throw invalid('secret missing ID', { hint: 'Give it one: --secret id=NAME,src=FILE' });
  const isNamed = !env && !file;
  const variable = isNamed && environment[id] !== undefined ? id : env;
  const path = isNamed && variable === undefined ? id : file;
  if (path) {
    const { size } = look(path, (why) => `failed to stat ${path}: ${why}`);
    if (size > MOST_SECRET) throw invalid(`secret ${id} too big. max size 500KiB`);
  }
  // A variable comes first where both are named.
  return variable ? { id, env: variable } : { id, file: path ?? '' };
}

/**
 * A settled secret's value. A variable that went is an empty one. Throws kind `not-found` for a file that can't be read,
 * `invalid` for one that has become too large.
 */
export function secretValue({ id, file, env }: BuildSecret, environment: NodeJS.ProcessEnv): Buffer {
  const value = env === undefined ? readSecretFile(file ?? '') : Buffer.from(environment[env] ?? '');
  if (value.length <= MOST_SECRET) return value;
  throw invalid(`secret ${id} too big. max size 500KiB`);
}

function readSecretFile(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    const why = reasonOf(cause);
    if (why === undefined) throw cause;
    throw new WherryError('not-found', `${hasCode(cause, 'EISDIR') ? 'read' : 'open'} ${path}: ${why}`, { cause });
  }
}

/** HTTP's Authorization for a git repository, by the secrets that BuildKit has names for; undefined: there is none. */
export function gitAuthorization(
  remote: string,
  secrets: readonly BuildSecret[],
  environment: NodeJS.ProcessEnv,
): string | undefined {
  if (!/^https?:/i.test(remote)) return undefined;
  const { host } = new URL(remote);
  for (const id of [`${HEADER}.${host}`, `${TOKEN}.${host}`, HEADER, TOKEN]) {
    const secret = secrets.find((one) => one.id === id);
    if (secret === undefined) continue;
    const value = secretValue(secret, environment).toString();
    return id.startsWith(TOKEN) ? `basic ${Buffer.from(`x-access-token:${value}`).toString('base64')}` : value;
  }
  return undefined;
}

const [HEADER, TOKEN] = ['GIT_AUTH_HEADER', 'GIT_AUTH_TOKEN'];

function settleAgents(agents: readonly BuildSsh[], environment: NodeJS.ProcessEnv): BuildSsh[] {
  const settled = new Map<string, BuildSsh>();
  for (const { id: given, paths: named } of agents) {
    const id = given === '' ? 'default' : given;
    if (settled.has(id)) throw invalid(`duplicate agent ID "${id}"`);
    const isNamed = named.length > 1 || (named.length === 1 && named[0] !== '');
    const refuse = (why: string, hint?: string) =>
      invalid(
        `failed to convert agent config {${id} [${named.join(' ')}] false}: ${why}`,
        hint === undefined ? {} : { hint },
      );
    const paths = isNamed ? named : [environment.SSH_AUTH_SOCK ?? ''];
    if (paths[0] === '') {
      throw refuse(
        'invalid empty ssh agent socket: make sure SSH_AUTH_SOCK is set',
        'Start an agent ("eval $(ssh-agent)"), or name a key: --ssh default=FILE',
      );
    }
    checkPaths(paths, (why) => refuse(`failed to convert agent config for ID: "${id}": ${why}`));
    settled.set(id, { id, paths });
  }
  return [...settled.values()];
}

/** One socket, or keys. */
function checkPaths(paths: readonly string[], refuse: (why: string) => WherryError): void {
  let [sockets, keys] = [0, 0];
  for (const path of paths) {
    if (sockets > 0) throw refuse('only single socket allowed');
    if (look(path, (why) => refuse(why).message).isSocket()) {
      sockets += 1;
      continue;
    }
    const why = keyFault(path);
    if (why !== undefined) throw refuse(why);
    keys += 1;
  }
  if (sockets > 0 && keys > 0) throw refuse('invalid combination of keys and sockets');
}

function look(path: string, worded: (why: string) => string) {
  try {
    return statSync(path);
  } catch (cause) {
    const why = reasonOf(cause);
    if (why === undefined) throw cause;
    throw invalid(worded(`stat ${path}: ${why}`), { cause });
  }
}

/** Why a file is no key that can be used without asking anybody; undefined where it may be one. */
function keyFault(path: string): string | undefined {
  let text: string;
  try {
    if (!statSync(path).isFile()) return `failed to read ${path}: read ${path}: is a directory`;
    text = readFileSync(path, 'latin1').slice(0, MOST_KEY);
  } catch (cause) {
    const why = reasonOf(cause);
    if (why === undefined) throw cause;
    return `failed to open ${path}: open ${path}: ${why}`;
  }
  const [, name = '', body = ''] = /-----BEGIN ([A-Z0-9 ]+)-----\r?\n([\s\S]*?)-----END /.exec(text) ?? [];
  if (!name.endsWith('PRIVATE KEY')) return `failed to parse ${path}: ssh: no key found`;
  return isLocked(name, body) ? `failed to parse ${path}: ssh: this private key is passphrase protected` : undefined;
}

const MOST_KEY = 100 * 1024;

/** OpenSSH's own form names its cipher behind the magic word (PROTOCOL.key); others say it in their head. */
function isLocked(name: string, body: string): boolean {
  if (name !== 'OPENSSH PRIVATE KEY') return name.startsWith('ENCRYPTED ') || /^Proc-Type: 4,ENCRYPTED/m.test(body);
  const bytes = Buffer.from(body, 'base64');
  const start = 'openssh-key-v1\0'.length;
  if (bytes.length < start + 4) return false;
  const length = bytes.readUInt32BE(start);
  return bytes.toString('latin1', start + 4, start + 4 + length) !== 'none';
}
