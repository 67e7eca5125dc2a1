/** Relative paths of a model become absolute. */
import { realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { parseGitAddress } from '#build/context/git-address.ts';
import { type Change, changes, invalid, isMap, type Tree, type TreeMap } from '#compose/model/tree.ts';

/** `~` and `~/x` at home. */
const expandHome = (path: string): string => (path.startsWith('~') ? join(homedir(), path.slice(1)) : path);

/** Go's filepath.Join: no slash at the end. */
function absolute(base: string, path: string): string {
  const expanded = expandHome(path);
  if (isAbsolute(expanded)) return expanded;
  const joined = join(base, expanded);
  return joined.length > 1 ? joined.replace(/\/$/, '') : joined;
}

const REMOTE = /^(https?:\/\/|git:\/\/|ssh:\/\/|github\.com\/|git@)/;
const WINDOWS = /^([a-zA-Z]:[\\/]|\\\\)/;

/** Is a compose file in a git repository or a registry? Throws kind `invalid` for an address that makes no sense. */
export const isRemote = (file: string): boolean => file.startsWith('oci://') || parseGitAddress(file) !== undefined;

/** Is a build's context no directory of this machine? */
const isElsewhere = (context: string) =>
  context.includes('://') || context.startsWith('service:') || REMOTE.test(context);

/** Resolves every path against base, the project's directory, in place. Throws kind `invalid`. */
export function resolvePaths(tree: TreeMap, base: string): TreeMap {
  const path: Change = (value) => (typeof value === 'string' && value !== '' ? absolute(base, value) : value);
  const onEitherSystem = (value: Tree): Tree =>
    typeof value === 'string' && !WINDOWS.test(value) ? absolute(base, value) : value;
  const context: Change = (value) => (typeof value === 'string' && isElsewhere(value) ? value : path(value, ''));
  return changes({
    'services.*.build.context': context,
    'services.*.build.additional_contexts.*': context,
    'services.*.build.ssh.*': onEitherSystem,
    'services.*.env_file.*.path': path,
    'services.*.label_file.*': path,
    'services.*.develop.watch.*.path': (value) => {
      const found = path(value, '');
      return typeof found === 'string' ? followLinks(found) : found;
    },
    'services.*.extends.file': (value) => (typeof value === 'string' && isRemote(value) ? value : path(value, '')),
    'services.*.volumes.*': (value) => {
      if (!isMap(value) || value.type !== 'bind') return value;
      if (value.source === undefined) {
        throw invalid('invalid mount config for type "bind": field Source must not be empty');
      }
      value.source = onEitherSystem(value.source);
      return value;
    },
    'configs.*.file': onEitherSystem,
    'secrets.*.file': onEitherSystem,
    'volumes.*': (value) => {
      if (!isMap(value) || value.driver !== 'local' || !isMap(value.driver_opts)) return value;
      const options = value.driver_opts;
      if (options.o === 'bind' && options.device !== undefined) options.device = onEitherSystem(options.device);
      return value;
    },
  })(tree);
}

/** What a path really is, where it exists; changes there are seen under that name. */
function followLinks(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
