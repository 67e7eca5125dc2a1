/** Who the user is at a registry: Docker's config.json and its credential helpers. */
import { chmodSync, mkdirSync, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { configPath } from '#base/docker-paths.ts';
import { hasCode, WherryError } from '#base/error.ts';
import { readJson, replace } from '#sys/file.ts';
import { run } from '#sys/process.ts';

/** A name and a password, or a token that stands for both. */
export interface Credentials {
  username: string;
  password: string;
  /** An OAuth refresh token, which registries give out at login. */
  identityToken?: string;
  /** Goes to the registry as it is. */
  registryToken?: string;
}

/** One entry of `auths`; fields that we don't know are kept as they are. */
interface AuthEntry {
  auth?: string;
  username?: string;
  password?: string;
  identitytoken?: string;
  registrytoken?: string;
}

interface DockerConfig {
  auths?: Record<string, AuthEntry>;
  credsStore?: string;
  credHelpers?: Record<string, string>;
}

/** Docker Hub's key in config.json, older than the name docker.io. */
const HUB_KEY = 'https://index.docker.io/v1/';

/** The key that a registry's credentials are kept under. */
export function registryKey(domain: string): string {
  return domain === 'docker.io' || domain === 'index.docker.io' ? HUB_KEY : domain;
}

const isTable = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value);

function readConfig(path: string): DockerConfig {
  try {
    const config = readJson<DockerConfig>(path) ?? {};
    if (!isTable(config)) throw new WherryError('invalid', `Cannot read "${path}": it is not a JSON object`);
    for (const key of ['auths', 'credHelpers'] as const) {
      if (isTable(config[key] ?? {})) continue;
      throw new WherryError('invalid', `Cannot read "${path}": "${key}" is not an object`);
    }
    return config;
  } catch (error) {
    if (error instanceof WherryError && error.kind === 'corrupt') {
      throw new WherryError('invalid', `Cannot read "${path}": it is not valid JSON`, {
        hint: 'Mend or remove the file; it holds what `docker login` and `wherry login` keep',
        cause: error,
      });
    }
    throw error;
  }
}

/**
 * The credentials for a registry; undefined where the user has none, which is the usual case. What Docker's files don't
 * have may be in podman's. path: of the repository, since podman's may be for a part of a registry.
 * Throws kind `invalid` for files that can't be read, and for helpers that are missing or fail.
 */
export async function credentialsFor(
  domain: string,
  { env = process.env, path = '' }: { env?: NodeJS.ProcessEnv; path?: string } = {},
): Promise<Credentials | undefined> {
  const key = registryKey(domain);
  const given = fromEnvironment(key, env);
  if (given !== undefined) return given;
  const config = readConfig(configPath(env));
  const helper = helperFor(config, key);
  const kept = helper === undefined ? undefined : await askHelper(helper, key);
  return kept ?? fromFile(config, key) ?? fromContainers(`${domain}/${path}`, env);
}

/** containers-auth.json(5): $REGISTRY_AUTH_FILE alone, else the session's file and the user's. The longest key counts. */
async function fromContainers(name: string, env: NodeJS.ProcessEnv): Promise<Credentials | undefined> {
  const keys: string[] = [];
  for (let key = name; key !== ''; key = key.slice(0, Math.max(0, key.lastIndexOf('/')))) keys.push(key);
  for (const config of containersFiles(env).map(readConfig)) {
    for (const key of keys) {
      const found = await kept(config, key);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

async function kept({ auths, credHelpers }: DockerConfig, key: string): Promise<Credentials | undefined> {
  const helper = credHelpers?.[key];
  const entry = auths?.[key] ?? (key === 'docker.io' ? auths?.[HUB_KEY] : undefined);
  const asked = helper === undefined ? undefined : await askHelper(helper, key);
  return asked ?? (entry === undefined ? undefined : fromEntry(entry, key));
}

function containersFiles(env: NodeJS.ProcessEnv): string[] {
  if (env.REGISTRY_AUTH_FILE) return [env.REGISTRY_AUTH_FILE];
  const config = env.XDG_CONFIG_HOME || join(env.HOME ?? homedir(), '.config');
  return [env.XDG_RUNTIME_DIR, config].flatMap((base) => (base ? join(base, 'containers/auth.json') : []));
}

/** $DOCKER_AUTH_CONFIG: the `auths` of a config.json, for machines that get their secrets by environment. */
function fromEnvironment(key: string, env: NodeJS.ProcessEnv): Credentials | undefined {
  if (!env.DOCKER_AUTH_CONFIG) return undefined;
  let config: unknown;
  try {
    config = JSON.parse(env.DOCKER_AUTH_CONFIG);
  } catch (cause) {
    throw new WherryError('invalid', 'Cannot read $DOCKER_AUTH_CONFIG: it is not valid JSON', { cause });
  }
  const { auths } = isTable(config) ? (config as DockerConfig) : {};
  return isTable(auths) ? fromFile({ auths: auths ?? {} }, key) : undefined;
}

function helperFor(config: DockerConfig, key: string): string | undefined {
  return config.credHelpers?.[key] ?? (config.credsStore || undefined);
}

function fromFile({ auths = {} }: DockerConfig, key: string): Credentials | undefined {
  const entry = auths[key] ?? Object.entries(auths).find(([other]) => hostOf(other) === hostOf(key))?.[1];
  return entry === undefined ? undefined : fromEntry(entry, key);
}

/** Old files have addresses (`https://host/v1/`) where new ones have hosts. */
const hostOf = (key: string) => key.replace(/^https?:\/\//, '').split('/', 1)[0];

function fromEntry(entry: AuthEntry, key: string): Credentials | undefined {
  const malformed = new WherryError(
    'invalid',
    `Cannot use the credentials for "${key}": invalid auth configuration file`,
  );
  if (!isTable(entry)) throw malformed;
  const { auth, identitytoken, registrytoken } = entry;
  const texts = [auth, entry.username, entry.password, identitytoken, registrytoken];
  if (!texts.every((text) => text === undefined || typeof text === 'string')) throw malformed;
  let { username = '', password = '' } = entry;
  if (auth) {
    const text = Buffer.from(auth, 'base64').toString();
    const colon = text.indexOf(':');
    if (colon < 0) throw malformed;
    username = text.slice(0, colon);
    // Old clients padded with NUL bytes.
    password = text.slice(colon + 1).replaceAll('\0', '');
  }
  if (!username && !identitytoken && !registrytoken) return undefined;
  return {
    username,
    password,
    ...(identitytoken ? { identityToken: identitytoken } : {}),
    ...(registrytoken ? { registryToken: registrytoken } : {}),
  };
}

/** The name under which helpers give out tokens instead of passwords. */
const TOKEN = '<token>';
const ABSENT = 'credentials not found in native keychain';

const DOING = { get: 'getting', store: 'storing', erase: 'erasing' };

/** Runs docker-credential-NAME (docker/docker-credential-helpers): a verb as argument, its input on standard input. */
async function runHelper(helper: string, verb: keyof typeof DOING, input: string): Promise<string | undefined> {
  const program = `docker-credential-${helper}`;
  let done: Awaited<ReturnType<typeof run>>;
  try {
    done = await run(program, [verb], { input });
  } catch (cause) {
    const why = cause instanceof WherryError ? 'executable file not found in $PATH' : (cause as Error).message;
    throw new WherryError('invalid', `error ${DOING[verb]} credentials - err: exec: "${program}": ${why}, out: \`\``, {
      hint: `Install ${program}, or take it out of ${configPath(process.env)}`,
      cause,
    });
  }
  if (done.status === 0) return done.stdout;
  const said = (done.stdout || done.stderr).trim();
  if (said.includes(ABSENT)) return undefined;
  throw new WherryError(
    'invalid',
    `error ${DOING[verb]} credentials - err: exit status ${done.status}, out: \`${said}\``,
  );
}

async function askHelper(helper: string, key: string): Promise<Credentials | undefined> {
  const answer = await runHelper(helper, 'get', key);
  if (answer === undefined) return undefined;
  let found: unknown;
  try {
    found = JSON.parse(answer);
  } catch (cause) {
    throw new WherryError('invalid', `Cannot use what docker-credential-${helper} says: it is not valid JSON`, {
      cause,
    });
  }
  const { Username: username = '', Secret: secret = '' } = (found ?? {}) as { Username?: string; Secret?: string };
  if (typeof username !== 'string' || typeof secret !== 'string') {
    throw new WherryError('invalid', `Cannot use what docker-credential-${helper} says: name and secret are no text`);
  }
  if (!secret) return undefined;
  return username === TOKEN ? { username: '', password: '', identityToken: secret } : { username, password: secret };
}

/**
 * Keeps credentials: with the helper that the user chose, else in config.json, where nothing but `auths` changes.
 * @returns the file's path when they are in it as good as readable
 */
export async function storeCredentials(
  key: string,
  credentials: Credentials,
  env = process.env,
): Promise<string | undefined> {
  const path = configPath(env);
  const config = readConfig(path);
  const { username, password, identityToken } = credentials;
  const helper = helperFor(config, key);
  if (helper !== undefined) {
    const secret = identityToken ?? password;
    const Username = identityToken === undefined ? username : TOKEN;
    await runHelper(helper, 'store', JSON.stringify({ ServerURL: key, Username, Secret: secret }));
    // As Docker does: an empty entry says that the helper has one.
    writeConfig(path, { ...config, auths: { ...config.auths, [key]: {} } });
    return undefined;
  }
  const pair = `${username}:${identityToken === undefined ? password : ''}`;
  const entry: AuthEntry = { auth: Buffer.from(pair).toString('base64') };
  if (identityToken !== undefined) entry.identitytoken = identityToken;
  writeConfig(path, { ...config, auths: { ...config.auths, [key]: entry } });
  return path;
}

/** Forgets a registry's credentials, whichever way its key was written. Nothing to forget is fine. */
export async function eraseCredentials(key: string, env: NodeJS.ProcessEnv = process.env): Promise<void> {
  const path = configPath(env);
  const config = readConfig(path);
  const helper = helperFor(config, key);
  const auths = config.auths ?? {};
  const gone = Object.keys(auths).filter((other) => other === key || hostOf(other) === hostOf(key));
  if (helper !== undefined) await runHelper(helper, 'erase', key);
  if (gone.length === 0) return;
  const kept = Object.entries(auths).filter(([other]) => !gone.includes(other));
  writeConfig(path, { ...config, auths: Object.fromEntries(kept) });
}

/** Docker's layout (tabs), readable by the user alone, replaced whole; a link to the file stays a link. */
function writeConfig(path: string, config: DockerConfig): void {
  const target = followed(path);
  mkdirSync(dirname(target), { recursive: true, mode: 0o700 });
  replace(target, JSON.stringify(config, undefined, '\t'), { mode: 0o600, durable: true });
  chmodSync(target, 0o600);
}

function followed(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return path;
    throw error;
  }
}
