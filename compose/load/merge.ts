/** How two files join: maps by key, lists one after the other, all else replaced; and a table of the paths that differ. */

import { parseMount } from '#compose/model/mounts.ts';
import { invalid, isMap, sprint, type Tree, type TreeMap, typeName } from '#compose/model/tree.ts';

type Merge = (base: Tree, over: Tree, path: string) => Tree;

const replaced: Merge = (_, over) => over;
const sequence: Merge = (base, over) => [...listed(base), ...listed(over)];
const hosts: Merge = (base, over) => {
  const first = listed(base);
  return [...first, ...listed(over).filter((item) => !first.includes(item))];
};
const keyed =
  (item: () => Tree): Merge =>
  (base, over, path) =>
    mergeMaps(mapped(base, item), mapped(over, item), path);

const build: Merge = (base, over, path) => {
  const long = (value: Tree): TreeMap => (typeof value === 'string' ? { context: value } : isMap(value) ? value : {});
  return mergeMaps(long(base), long(over), path);
};

/** Options are those of one driver: another one's are not mixed with them. */
const logging: Merge = (base, over, path) => {
  if (!isMap(base) || !isMap(over)) throw invalid(`cannot override ${path}`);
  const isOther = base.driver !== over.driver && 'driver' in base && 'driver' in over;
  return isOther ? over : mergeMaps(base, over, path);
};

/** Subnets are the keys: every one of over is merged with its like, or added. */
const subnets: Merge = (base, over, path) => {
  if (!Array.isArray(base) || !Array.isArray(over)) throw invalid(`${path}: unexpected type`);
  const made: TreeMap[] = [];
  for (const old of base) {
    for (const item of over) {
      const [left, right] = [mapped(item, () => null), mapped(old, () => null)];
      const isAdded = made.some(({ subnet }) => subnet === left.subnet);
      if (left.subnet !== right.subnet && !isAdded) {
        made.push(left);
        continue;
      }
      const joined = mergeMaps(right, left, path);
      const at = made.findIndex(({ subnet }) => subnet === joined.subnet);
      if (at >= 0) made[at] = joined;
      else made.push(joined);
    }
  }
  return made;
};

const MERGES: Readonly<Record<string, Merge>> = {
  'networks.*.ipam.config': subnets,
  'networks.*.labels': sequence,
  'volumes.*.labels': sequence,
  'services.*.annotations': sequence,
  'services.*.build': build,
  'services.*.build.args': sequence,
  'services.*.build.additional_contexts': sequence,
  'services.*.build.extra_hosts': hosts,
  'services.*.build.labels': sequence,
  'services.*.command': replaced,
  'services.*.depends_on': keyed(() => ({ condition: 'service_started', required: true })),
  'services.*.deploy.labels': sequence,
  'services.*.dns': sequence,
  'services.*.dns_opt': sequence,
  'services.*.dns_search': sequence,
  'services.*.entrypoint': replaced,
  'services.*.env_file': sequence,
  'services.*.label_file': sequence,
  'services.*.environment': sequence,
  'services.*.extra_hosts': hosts,
  'services.*.healthcheck.test': replaced,
  'services.*.labels': sequence,
  'services.*.volumes.*.volume.labels': sequence,
  'services.*.logging': logging,
  'services.*.models': keyed(() => null),
  'services.*.networks': keyed(() => null),
  'services.*.sysctls': sequence,
  'services.*.tmpfs': sequence,
  'services.*.ulimits.*': replaced,
};

/** A path's rule. Names are at the second place of every path, and at no other than these. */
function ruleOf<T>(table: Readonly<Record<string, T>>, path: readonly string[]): T | undefined {
  const [kind, , ...rest] = path;
  if (path.length < 3) return undefined;
  const exact = table[`${kind}.*.${rest.join('.')}`];
  if (exact !== undefined || rest.length < 2) return exact;
  const [first, , ...last] = rest;
  return table[[kind, '*', first, '*', ...last].join('.')];
}

/** Joins two trees, in place of base. Throws kind `invalid` where one has a map or list and the other something else. */
export function merge(base: TreeMap, over: TreeMap): TreeMap {
  return mergeMaps(base, over, '');
}

/** Joins a service with the one that it extends. */
export function extend(base: TreeMap, service: TreeMap): TreeMap {
  return mergeMaps(base, service, 'services\0x');
}

function mergeTrees(base: Tree, over: Tree, path: string): Tree {
  const rule = ruleOf(MERGES, path.split('\0'));
  if (rule !== undefined) return rule(base, over, path);
  if (over === null || over === undefined) return base;
  if (isMap(base)) {
    if (!isMap(over)) throw cannot(path);
    return mergeMaps(base, over, path);
  }
  if (!Array.isArray(base)) return over;
  if (!Array.isArray(over)) throw cannot(path);
  return [...base, ...over];
}

const cannot = (path: string) => invalid(`cannot override ${path.replaceAll('\0', '.')}`);

function mergeMaps(base: TreeMap, over: TreeMap, path: string): TreeMap {
  for (const [key, value] of Object.entries(over)) {
    base[key] = Object.hasOwn(base, key) ? mergeTrees(base[key], value, path === '' ? key : `${path}\0${key}`) : value;
  }
  return base;
}

/** A map as a list of `key=value`, sorted; a text as a list of one. */
function listed(value: Tree): Tree[] {
  if (Array.isArray(value)) return value;
  if (typeof value === 'string') return [value];
  if (!isMap(value)) return [];
  const items = Object.entries(value).flatMap(([key, item]) => {
    if (item === null || item === undefined) return [key];
    return (Array.isArray(item) ? item : [item]).map((one) => `${key}=${sprint(one)}`);
  });
  return items.sort((one, other) => (one < other ? -1 : one > other ? 1 : 0));
}

/** A list of names as a map. */
function mapped(value: Tree, item: () => Tree): TreeMap {
  if (isMap(value)) return value;
  if (!Array.isArray(value)) return {};
  return Object.fromEntries(value.map((name) => [String(name), item()]));
}

/** What makes an item of a list the same as another: the later one takes the earlier one's place. */
type Index = (item: Tree, path: string) => string;

const byName: Index = (item, path) => {
  if (typeof item !== 'string') throw invalid(`${path}: unexpected type ${typeName(item)}`);
  return item.split('=', 1)[0] as string;
};

const byTarget =
  (what: string, short: (text: string) => string | undefined): Index =>
  (item, path) => {
    if (typeof item === 'string') return short(item) ?? '';
    if (!isMap(item)) return '';
    if (typeof item.target !== 'string') throw invalid(`service ${what} ${path} is missing a mount target`);
    return item.target;
  };

const byMount =
  (folder: string): Index =>
  (item, path) => {
    if (typeof item === 'string') return `${folder}/${item}`;
    if (!isMap(item)) throw invalid(`${path}: unsupported expose value ${sprint(item)}`);
    return typeof item.target === 'string' ? item.target : `${folder}/${sprint(item.source)}`;
  };

const byPort: Index = (item, path) => {
  if (!isMap(item)) return item === null || item === undefined || typeof item === 'boolean' ? '' : sprint(item);
  if (item.target === undefined) throw invalid(`service ports ${path} is missing a target port`);
  const { host_ip: host = '0.0.0.0', published, target, protocol = 'tcp' } = item;
  return `${sprint(host)}:${sprint(published)}:${sprint(target)}/${sprint(protocol)}`;
};

const byExposed: Index = (item, path) => {
  if (typeof item === 'string' || Number.isInteger(item)) return String(item);
  throw invalid(`${path}: unsupported expose value ${sprint(item)}`);
};

const byPath: Index = (item, path) => {
  if (!isMap(item)) return typeof item === 'string' ? item : '';
  if (typeof item.path !== 'string') throw invalid(`environment path attribute ${path} is missing`);
  return item.path;
};

const INDEXES: Readonly<Record<string, Index>> = {
  'networks.*.labels': byName,
  'networks.*.ipam.options': byName,
  'services.*.annotations': byName,
  'services.*.build.args': byName,
  'services.*.build.additional_contexts': byName,
  'services.*.build.platform': byName,
  'services.*.build.tags': byName,
  'services.*.build.labels': byName,
  'services.*.cap_add': byName,
  'services.*.cap_drop': byName,
  'services.*.devices': byTarget('device', (text) => text.split(':')[1] ?? text),
  'services.*.configs': byMount(''),
  'services.*.deploy.labels': byName,
  'services.*.dns': byName,
  'services.*.dns_opt': byName,
  'services.*.dns_search': byName,
  'services.*.environment': byName,
  'services.*.env_file': byPath,
  'services.*.expose': byExposed,
  'services.*.labels': byName,
  'services.*.links': byName,
  'services.*.networks.*.aliases': byName,
  'services.*.networks.*.link_local_ips': byName,
  'services.*.ports': byPort,
  'services.*.profiles': byName,
  'services.*.secrets': byMount('/run/secrets'),
  'services.*.sysctls': byName,
  'services.*.tmpfs': byName,
  'services.*.volumes': byTarget('volume', (text) => sprint(parseMount(text).target)),
};

/** Of list items that mean the same thing, only the last stays, at the first one's place. In place; throws kind `invalid`. */
export function unique(tree: TreeMap): TreeMap {
  return uniqueAt(tree, []) as TreeMap;
}

function uniqueAt(value: Tree, path: string[]): Tree {
  if (isMap(value)) {
    if (path.length > 5) return value;
    for (const [key, item] of Object.entries(value)) {
      if (typeof item === 'object' && item !== null) value[key] = uniqueAt(item, [...path, key]);
    }
    return value;
  }
  const index = Array.isArray(value) ? ruleOf(INDEXES, path) : undefined;
  if (index === undefined || !Array.isArray(value)) return value;
  const made = new Map<string, Tree>();
  for (const [at, item] of value.entries()) made.set(index(item, `${path.join('.')}.[${at}]`), item);
  return [...made.values()];
}
