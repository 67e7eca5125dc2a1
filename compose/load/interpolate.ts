/** Variables in every text of a file, and the texts that become numbers and booleans where the model has such. */

import { Misplaced } from '#compose/load/place.ts';
import { type Lookup, substitute, TemplateError } from '#compose/load/template.ts';
import { invalid, isMap, type Tree, type TreeMap } from '#compose/model/tree.ts';

export interface Interpolation {
  lookup: Lookup;
  warn: (text: string) => void;
}

type Cast = (text: string, warn: (text: string) => void) => Tree;

const integerBy =
  (name: string): Cast =>
  (text) => {
    if (!/^[-+]?\d+$/.test(text)) throw invalid(`strconv.${name}: parsing ${JSON.stringify(text)}: invalid syntax`);
    const value = BigInt(text.replace(/^\+/, ''));
    if (BigInt.asIntN(64, value) !== value) {
      throw invalid(`strconv.${name}: parsing ${JSON.stringify(text)}: value out of range`);
    }
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  };
const int = integerBy('Atoi');
const int64 = integerBy('ParseInt');

const float: Cast = (text) => {
  if (text.trim() !== text || text === '' || Number.isNaN(Number(text))) {
    throw invalid(`strconv.ParseFloat: parsing ${JSON.stringify(text)}: invalid syntax`);
  }
  return Number(text);
};

const bool: Cast = (text, warn) => {
  const word = text.toLowerCase();
  if (word === 'true' || word === 'false') return word === 'true';
  const isYes = ['y', 'yes', 'on'].includes(word);
  if (!isYes && !['n', 'no', 'off'].includes(word)) throw invalid(`invalid boolean: ${text}`);
  warn(`${JSON.stringify(text)} for boolean is not supported by YAML 1.2, please use \`${isYes}\``);
  return isYes;
};

const CASTS: Readonly<Record<string, Cast>> = {
  'services.*.cpu_count': int64,
  'services.*.cpu_percent': float,
  'services.*.cpu_period': int64,
  'services.*.cpu_quota': int64,
  'services.*.cpu_rt_period': int64,
  'services.*.cpu_rt_runtime': int64,
  'services.*.cpu_shares': int64,
  'services.*.cpus': float,
  'services.*.init': bool,
  'services.*.deploy.replicas': int,
  'services.*.deploy.update_config.parallelism': int,
  'services.*.deploy.update_config.max_failure_ratio': float,
  'services.*.deploy.rollback_config.parallelism': int,
  'services.*.deploy.rollback_config.max_failure_ratio': float,
  'services.*.deploy.restart_policy.max_attempts': int,
  'services.*.deploy.placement.max_replicas_per_node': int,
  'services.*.healthcheck.retries': int,
  'services.*.healthcheck.disable': bool,
  'services.*.oom_kill_disable': bool,
  'services.*.oom_score_adj': int64,
  'services.*.pids_limit': int64,
  'services.*.ports.[].target': int,
  'services.*.privileged': bool,
  'services.*.read_only': bool,
  'services.*.scale': int,
  'services.*.stdin_open': bool,
  'services.*.tty': bool,
  'services.*.ulimits.*': int,
  'services.*.ulimits.*.hard': int,
  'services.*.ulimits.*.soft': int,
  'services.*.volumes.[].read_only': bool,
  'services.*.volumes.[].volume.nocopy': bool,
  'networks.*.external': bool,
  'networks.*.internal': bool,
  'networks.*.attachable': bool,
  'networks.*.enable_ipv4': bool,
  'networks.*.enable_ipv6': bool,
  'volumes.*.external': bool,
  'secrets.*.external': bool,
  'configs.*.external': bool,
};

/** The table as a tree of its words. */
interface Branch {
  cast?: Cast;
  next: Map<string, Branch>;
}

let root: Branch | undefined;
function casts(): Branch {
  if (root !== undefined) return root;
  root = { next: new Map() };
  for (const [path, cast] of Object.entries(CASTS)) {
    let branch = root;
    for (const word of path.split('.')) {
      const next: Branch = branch.next.get(word) ?? { next: new Map() };
      branch.next.set(word, next);
      branch = next;
    }
    branch.cast = cast;
  }
  return root;
}

/** Fills in the variables of a tree, in place. Throws Misplaced, in compose's words. */
export function interpolate(tree: TreeMap, interpolation: Interpolation): TreeMap {
  return walk(tree, [], casts(), interpolation) as TreeMap;
}

function walk(value: Tree, path: string[], branch: Branch | undefined, interpolation: Interpolation): Tree {
  if (typeof value === 'string') {
    return branch?.cast === undefined && !value.includes('$') ? value : text(value, path, branch?.cast, interpolation);
  }
  if (Array.isArray(value)) {
    const next = branch?.next.get('[]');
    return value.map((item, index) => walk(item, [...path, String(index)], next, interpolation));
  }
  if (!isMap(value)) return value;
  for (const [key, item] of Object.entries(value)) {
    if (typeof item !== 'string' && typeof item !== 'object') continue;
    const next = branch?.next.get(key) ?? branch?.next.get('*');
    value[key] = walk(item, [...path, key], next, interpolation);
  }
  return value;
}

function text(value: string, path: string[], cast: Cast | undefined, { lookup, warn }: Interpolation): Tree {
  // Compose counts no items.
  const where = path.map((word) => (/^\d+$/.test(word) ? '[]' : word)).join('.');
  let made: string;
  try {
    made = substitute(value, lookup, warn);
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    if (error.template === undefined) throw new Misplaced(path, `error while interpolating ${where}: ${error.message}`);
    const hint = 'You may need to escape any $ with another $.';
    throw new Misplaced(path, `invalid interpolation format for ${where}.\n${hint}\n${error.template}`);
  }
  if (cast === undefined) return made;
  try {
    return cast(made, warn);
  } catch (error) {
    const why = (error as Error).message;
    throw new Misplaced(path, `error while interpolating ${where}: failed to cast to expected type: ${why}`);
  }
}
