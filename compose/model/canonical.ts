/** Short forms are written out: a table of paths. What needs no more than another type is decode.ts's. */

import { parseMount } from '#compose/model/mounts.ts';
import { parsePorts } from '#compose/model/ports.ts';
import { type Change, changes, invalid, isMap, type Tree, type TreeMap } from '#compose/model/tree.ts';

export interface CanonicalOptions {
  /** Without interpolation a short form may hold variables: what can't be read stays as it is. */
  lenient?: boolean;
  /** Told what compose warns of. */
  warn?: (text: string) => void;
}

/**
 * Brings a merged tree into long form, in place. Throws kind `invalid` in compose's words. Applied after each file, so that
 * the next one merges with long forms.
 */
export function canonical(tree: TreeMap, options: CanonicalOptions = {}): TreeMap {
  const made = tables.get(options.lenient === true) ?? makeTable(options.lenient === true);
  tables.set(options.lenient === true, made);
  warn = options.warn ?? (() => undefined);
  return made(tree);
}

/** A table is made once for each way. */
const tables = new Map<boolean, (tree: TreeMap) => TreeMap>();
let warn: (text: string) => void = () => undefined;

function makeTable(lenient: boolean): (tree: TreeMap) => TreeMap {
  const tolerant =
    (change: Change): Change =>
    (value, path) => {
      try {
        return change(value, path);
      } catch (error) {
        if (lenient) return value;
        throw error;
      }
    };
  return changes({
    'services.*.build': (value, path) => textAs('context', 'build', value, path),
    'services.*.build.secrets.*': fileReference,
    'services.*.build.provenance': asText,
    'services.*.build.sbom': asText,
    'services.*.build.additional_contexts': tolerant(keyValues),
    'services.*.build.ssh': sshKeys,
    'services.*.depends_on': dependsOn,
    'services.*.dns': withoutEmpty,
    'services.*.env_file': envFiles,
    'services.*.label_file': listOfText,
    'services.*.extends': (value, path) => textAs('service', 'extends', value, path),
    'services.*.gpus': (value) => (typeof value === 'string' ? [{ count: 'all' }] : value),
    'services.*.networks': namesAsKeys,
    'services.*.models': namesAsKeys,
    'services.*.volumes.*': tolerant((value) => (typeof value === 'string' ? parseMount(value) : value)),
    'services.*.devices.*': (value) => (typeof value === 'string' ? device(value, lenient) : value),
    'services.*.secrets.*': fileReference,
    'services.*.configs.*': fileReference,
    'services.*.ports': tolerant(parsePorts),
    'services.*.develop.watch.*.ignore': listOfText,
    'services.*.develop.watch.*.include': listOfText,
    'volumes.*': external,
    'networks.*': external,
    'secrets.*': external,
    'configs.*': external,
    'include.*': (value) => (typeof value === 'string' ? { path: value } : value),
  });
}

function textAs(key: string, what: string, value: Tree, path: string): Tree {
  if (typeof value === 'string') return { [key]: value };
  if (isMap(value)) return value;
  throw invalid(`${path}: invalid type for ${what}`);
}

const asText: Change = (value) => (value === null || value === undefined ? value : String(value));
const listOfText: Change = (value) => (typeof value === 'string' ? [value] : value);
const fileReference: Change = (value) => (typeof value === 'string' ? { source: value } : value);

/** An empty server is none. */
const withoutEmpty: Change = (value) => {
  const servers = listOfText(value, '');
  return Array.isArray(servers) ? servers.filter((server) => server !== '' && server !== null) : servers;
};

const keyValues: Change = (value, path) => {
  if (!Array.isArray(value)) return value;
  return Object.fromEntries(
    value.map((item) => {
      const text = String(item);
      const equals = text.indexOf('=');
      if (equals < 0) throw invalid(`${path}: invalid value ${text}, expected key=value`);
      return [text.slice(0, equals), text.slice(equals + 1)];
    }),
  );
};

const sshKeys: Change = (value) => {
  if (!Array.isArray(value)) return value;
  return Object.fromEntries(
    value.map((item): [string, Tree] => {
      const text = String(item);
      const equals = text.indexOf('=');
      if (equals < 0 && text !== 'default') throw invalid(`invalid ssh key ${JSON.stringify(text)}`);
      return equals < 0 ? [text, null] : [text.slice(0, equals), text.slice(equals + 1)];
    }),
  );
};

const STARTED = { condition: 'service_started', required: true };

const dependsOn: Change = (value, path) => {
  if (Array.isArray(value)) return Object.fromEntries(value.map((name) => [String(name), { ...STARTED }]));
  if (!isMap(value)) throw invalid(`${path}: invalid type for depend_on`);
  for (const [name, dependency] of Object.entries(value)) {
    if (!isMap(dependency)) throw invalid(`${path}.${name}: unsupported value`);
    dependency.condition ??= 'service_started';
    dependency.required ??= true;
  }
  return value;
};

const envFiles: Change = (value) => {
  const files = Array.isArray(value) ? value : [value];
  return files.map((file) => {
    if (typeof file === 'string') return { path: file, required: true };
    if (isMap(file)) file.required ??= true;
    return file;
  });
};

const namesAsKeys: Change = (value) =>
  Array.isArray(value) ? Object.fromEntries(value.map((name) => [String(name), null])) : value;

/** `/dev/a`, `/dev/a:/dev/b`, `/dev/a:/dev/b:rw`. */
function device(text: string, lenient: boolean): Tree {
  const parts = text.split(':');
  if (parts.length > 3) {
    if (lenient) return { source: '', target: '', permissions: 'rwm' };
    throw invalid(`confusing device mapping, please use long syntax: ${text}`);
  }
  const [source = '', target = '', permissions = 'rwm'] = parts;
  return { source, target: target || source, permissions };
}

/** `external: {name: x}` of old is a name and `external: true`. */
const external: Change = (value, path) => {
  if (!isMap(value) || !isMap(value.external)) return value;
  const { name } = value.external;
  value.external = true;
  if (name === undefined) return value;
  warn(`${path}: external.name is deprecated. Please set name and external: true`);
  if (value.name !== undefined && value.name !== name) {
    throw invalid(`${path}: name and external.name conflict; only use name`);
  }
  value.name ??= name;
  return value;
};
