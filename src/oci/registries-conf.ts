/**
 * registries.conf and registries.conf.d, as podman, skopeo and buildah read them (containers-registries.conf(5), format
 * version 2). Differences: a name without a registry is always Docker Hub's and nobody is asked, so
 * unqualified-search-registries and short-name-mode change nothing; the list of aliases that distributions ship
 * (shortnames.conf) doesn't count, since it gives Docker's names other meanings; keys that don't exist are errors.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { hasCode, WherryError } from '#base/error.ts';
import { parseReference } from '#oci/reference.ts';
import { type Alias, type Mirror, NO_REGISTRIES, type Registries, type RegistryRule } from '#oci/registries.ts';

export interface Places {
  /** The first that is there counts. */
  main: string[];
  /** All of them count; what a later file says of a prefix or an alias replaces what an earlier one said. */
  directories: string[];
}

/** Where the files are. $CONTAINERS_REGISTRIES_CONF, the user's own or the machine's, and the drop-ins of both. */
export function registriesPlaces(env: NodeJS.ProcessEnv = process.env): Places {
  const own = join(env.HOME || homedir(), '.config/containers/registries.conf');
  const system = '/etc/containers/registries.conf';
  const given = env.CONTAINERS_REGISTRIES_CONF;
  return { main: given ? [given] : [own, system], directories: [`${system}.d`, `${own}.d`] };
}

/** Reads all files. Without any, or where they say nothing, this costs a few system calls. Throws kind `invalid`, with file and line. */
export async function loadRegistries(env: NodeJS.ProcessEnv = process.env): Promise<Registries> {
  const files = filesOf(env).filter(says);
  if (files.length === 0) return NO_REGISTRIES;
  const toml = await import('smol-toml');
  const rules = new Map<string, RegistryRule>();
  const aliases = new Map<string, Alias>();
  for (const file of files) {
    const text = read(file) ?? '';
    const one = checkFile({ file, text, json: parseToml(file, text, toml) });
    for (const rule of one.rules) rules.set(rule.prefix, rule);
    for (const [name, alias] of isShipped(file) ? [] : one.aliases) aliases.set(name, alias);
  }
  return { rules: [...rules.values()], aliases: new Map([...aliases].filter(([, { target }]) => target !== '')) };
}

function filesOf(env: NodeJS.ProcessEnv): string[] {
  const { main, directories } = registriesPlaces(env);
  const found = main.find((path) => read(path) !== undefined);
  if (found === undefined && env.CONTAINERS_REGISTRIES_CONF) {
    throw new WherryError('invalid', `Cannot read "${env.CONTAINERS_REGISTRIES_CONF}": no such file`, {
      hint: '$CONTAINERS_REGISTRIES_CONF names it',
    });
  }
  return [...(found === undefined ? [] : [found]), ...directories.flatMap(dropIns)];
}

function dropIns(directory: string): string[] {
  try {
    const names = readdirSync(directory).filter((name) => name.endsWith('.conf'));
    return names.sort().map((name) => join(directory, name));
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'EACCES')) return [];
    throw error;
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    if (!hasCode(error, 'EACCES', 'EISDIR')) throw error;
    const why = hasCode(error, 'EISDIR') ? 'it is a directory' : 'permission denied';
    throw new WherryError('invalid', `Cannot read "${path}": ${why}`, { cause: error });
  }
}

/** Debian's shortnames.conf, Fedora's and openSUSE's 000-shortnames.conf (github.com/containers/shortnames). */
const isShipped = (file: string) => file.startsWith('/etc/') && /(?:^|-)shortnames\.conf$/.test(basename(file));

/** What distributions ship is comments and aliases: the parser isn't loaded for them. */
function says(file: string): boolean {
  const text = read(file) ?? '';
  return isShipped(file) ? /^\s*\[\[/m.test(text) : /^[^\S\n]*[^#\s]/m.test(text);
}

type Toml = Pick<typeof import('smol-toml'), 'parse' | 'TomlError'>;

function parseToml(file: string, text: string, { parse, TomlError }: Toml): Table {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const why = error.message.split('\n', 1)[0]?.replace(/^Invalid TOML document: /, '');
    throw new WherryError('invalid', `Cannot read "${file}", line ${error.line}: ${why}`, { cause: error });
  }
}

type Table = Record<string, unknown>;

interface File {
  file: string;
  text: string;
  json: Table;
}

type Fail = (why: string, key?: string) => WherryError;

/** One file's content, checked; pure. An alias without a target takes one away. */
export function checkFile({ file, text, json }: File): { rules: RegistryRule[]; aliases: [string, Alias][] } {
  const fail: Fail = (why, key) => {
    const line = key === undefined ? undefined : lineOf(text, key);
    return new WherryError('invalid', `Cannot use "${file}"${line === undefined ? '' : `, line ${line}`}: ${why}`);
  };
  if (json.registries !== undefined) {
    throw fail('it is of the old format, version 1, which podman ignores too: write [[registry]] tables', 'registries');
  }
  refuseUnknown(json, { keys: FILE_KEYS, of: 'registries.conf', fail });
  return {
    rules: tables(json, 'registry', fail).map((one) => checkRule(one, file, fail)),
    aliases: checkAliases(json, file, fail),
  };
}

const FILE_KEYS = [
  'registry',
  'aliases',
  'unqualified-search-registries',
  'short-name-mode',
  'credential-helpers',
  'additional-layer-store-auth-helper',
];
const RULE_KEYS = ['prefix', 'location', 'insecure', 'blocked', 'mirror', 'mirror-by-digest-only'];
const MIRROR_KEYS = ['location', 'insecure', 'pull-from-mirror'];

function refuseUnknown(table: Table, { keys, of, fail }: { keys: readonly string[]; of: string; fail: Fail }): void {
  const key = Object.keys(table).find((one) => !keys.includes(one));
  if (key !== undefined) throw fail(`"${key}" is no key of ${of}`, key);
}

/** Where a key stands for the first time. */
function lineOf(text: string, key: string): number | undefined {
  const start = new RegExp(`^\\s*(?:\\[+\\s*)?["']?${key.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}["']?\\s*[.=\\]]`);
  const at = text.split('\n').findIndex((line) => start.test(line));
  return at < 0 ? undefined : at + 1;
}

function tables(of: Table, key: string, fail: Fail): Table[] {
  const value = of[key] ?? [];
  const isTable = (one: unknown) => typeof one === 'object' && one !== null && !Array.isArray(one);
  if (!Array.isArray(value) || !value.every(isTable)) throw fail(`write [[${key}]], not "${key}" as a value`, key);
  return value as Table[];
}

function value<T extends 'string' | 'boolean'>(of: Table, key: string, { type, fail }: { type: T; fail: Fail }) {
  const found = of[key];
  if (found !== undefined && typeof found !== type) throw fail(`"${key}" is not a ${type}`, key);
  return found as (T extends 'string' ? string : boolean) | undefined;
}

function checkRule(table: Table, file: string, fail: Fail): RegistryRule {
  refuseUnknown(table, { keys: RULE_KEYS, of: '[[registry]]', fail });
  const location = checkLocation(value(table, 'location', { type: 'string', fail }) ?? '', fail);
  const prefix = checkLocation(value(table, 'prefix', { type: 'string', fail }) ?? '', fail, 'prefix') || location;
  if (prefix === '') throw fail('a [[registry]] has neither prefix nor location', 'registry');
  if (location === '' && !prefix.startsWith('*.')) throw fail(`the registry "${prefix}" has no location`, 'prefix');
  if (location.startsWith('*.')) throw fail(`the location "${location}" cannot be a wildcard`, 'location');
  const byDigest = value(table, 'mirror-by-digest-only', { type: 'boolean', fail }) ?? false;
  const mirrors = tables(table, 'mirror', fail);
  return {
    prefix,
    location,
    insecure: value(table, 'insecure', { type: 'boolean', fail }) ?? false,
    blocked: value(table, 'blocked', { type: 'boolean', fail }) ?? false,
    mirrors: mirrors.map((mirror) => checkMirror(mirror, { prefix, byDigest, fail })),
    file,
  };
}

function checkMirror(
  table: Table,
  { prefix, byDigest, fail }: { prefix: string; byDigest: boolean; fail: Fail },
): Mirror {
  refuseUnknown(table, { keys: MIRROR_KEYS, of: '[[registry.mirror]]', fail });
  const location = checkLocation(value(table, 'location', { type: 'string', fail }) ?? '', fail);
  if (location === '') throw fail(`a mirror of "${prefix}" has no location`, 'registry.mirror');
  const use = value(table, 'pull-from-mirror', { type: 'string', fail });
  if (use !== undefined && byDigest) {
    throw fail(
      `mirror-by-digest-only of "${prefix}" and pull-from-mirror of "${location}" exclude each other`,
      'pull-from-mirror',
    );
  }
  if (use !== undefined && !['all', 'digest-only', 'tag-only'].includes(use)) {
    throw fail(`pull-from-mirror of "${location}" is "${use}", not all, digest-only or tag-only`, 'pull-from-mirror');
  }
  const insecure = value(table, 'insecure', { type: 'boolean', fail }) ?? false;
  return { location, insecure, use: byDigest ? 'digest-only' : ((use as Mirror['use'] | undefined) ?? 'all') };
}

/** host[:port][/path], without scheme. */
function checkLocation(text: string, fail: Fail, key = 'location'): string {
  if (/^[a-z]+:\/\//i.test(text)) {
    throw fail(`invalid ${key} '${text}': URI schemes are not supported (insecure = true allows plain HTTP)`, key);
  }
  const trimmed = text.replace(/\/+$/, '');
  const plain = trimmed.replace(/^\*\./, '');
  if (trimmed !== '' && !/^(?:\[[0-9a-fA-F:]+\]|[A-Za-z0-9][A-Za-z0-9.-]*)(?::[0-9]+)?(?:\/[^\s]*)?$/.test(plain)) {
    throw fail(`invalid ${key} '${text}': write host[:port][/path]`, key);
  }
  return trimmed;
}

function checkAliases({ aliases = {} }: Table, file: string, fail: Fail): [string, Alias][] {
  if (typeof aliases !== 'object' || aliases === null || Array.isArray(aliases))
    throw fail('"aliases" is not a table', 'aliases');
  return Object.entries(aliases).map(([name, target]) => {
    if (typeof target !== 'string') throw fail(`the alias "${name}" is not a string`, name);
    if (!isShort(name)) throw fail(`the alias "${name}" is no short name: it has a registry, a tag or a digest`, name);
    if (target !== '' && !isComplete(target)) {
      throw fail(`the alias "${name}" does not lead to a name with a registry and without a tag: "${target}"`, name);
    }
    return [name, { target, file }];
  });
}

function isShort(name: string): boolean {
  const reference = parsed(name);
  return reference?.domain === 'docker.io' && !/^(?:index\.)?docker\.io\//.test(name) && !/[:@]/.test(name);
}

function isComplete(target: string): boolean {
  const reference = parsed(target);
  if (reference === undefined || reference.tag !== undefined || reference.digest !== undefined) return false;
  return reference.domain !== 'docker.io' || /^(?:index\.)?docker\.io\//.test(target);
}

function parsed(text: string) {
  try {
    return parseReference(text);
  } catch (error) {
    if (error instanceof WherryError) return undefined;
    throw error;
  }
}
