/**
 * What a bake may do beyond its own directory: targets say what they want, --allow gives leave. A file of somebody else's
 * reads and writes nothing of the user's unasked.
 */
import { realpathSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { WherryError } from '#base/error.ts';
import { parseBool } from '#base/units.ts';
import type { Target } from '#build/bake/fields.ts';
import { isFar } from '#build/context/git-address.ts';
import type { TargetWords } from '#cli/bake/values.ts';

export interface Leave {
  names: string[];
  read: string[];
  write: string[];
}

const PATHS: Readonly<Record<string, readonly ('read' | 'write')[]>> = {
  fs: ['read', 'write'],
  'fs.read': ['read'],
  'fs.write': ['write'],
};
const NAMES = ['network.host', 'security.insecure', 'device'];

/** --allow. Throws kind `invalid` in buildx's words. */
export function readAllow(values: readonly string[]): Leave {
  const leave: Leave = { names: [], read: ['.'], write: ['.'] };
  for (const value of values) {
    const at = value.indexOf('=');
    const [key, path] = at < 0 ? [value, ''] : [value.slice(0, at), value.slice(at + 1)];
    const lists = PATHS[key];
    if (lists !== undefined) for (const list of lists) leave[list].push(path);
    else if (NAMES.includes(key)) leave.names.push(value);
    else if (key !== 'ssh') throw new WherryError('invalid', `unknown entitlement key ${JSON.stringify(key)}`);
  }
  return leave;
}

export interface Wish {
  target: Target;
  words: TargetWords;
}

/** Throws kind `denied` with the flags that would give the leave that is missing. */
export function checkLeave(wishes: readonly Wish[], leave: Leave, environment: NodeJS.ProcessEnv): void {
  const checksFiles = parseBool(environment.BUILDX_BAKE_ENTITLEMENTS_FS ?? '') !== false;
  const flags = wishes.flatMap(({ target, words }) => [
    ...(target.entitlements ?? []).filter((name) => !leave.names.includes(name)),
    ...(checksFiles ? missing('fs.read', pathsRead(words), leave.read) : []),
    ...(checksFiles ? missing('fs.write', pathsWritten(target), leave.write) : []),
  ]);
  if (flags.length === 0) return;
  const pass = [...new Set(flags)].map((flag) => `--allow ${flag}`).join(' ');
  throw new WherryError('denied', 'additional privileges requested', { hint: `Pass ${pass} to grant them` });
}

function missing(key: string, paths: readonly string[], allowed: readonly string[]): string[] {
  if (allowed.includes('*')) return [];
  const roots = allowed.map(real);
  return paths.flatMap((path) => {
    const place = real(path);
    const isIn = roots.some((root) => !/^\.\.(\/|$)/.test(relative(root, place)));
    return isIn ? [] : [`${key}=${relative(real('.'), place) || '.'}`];
  });
}

/** Without links; of what is not there yet, the place where it will be. */
function real(path: string): string {
  const whole = resolve(path);
  try {
    return realpathSync(whole);
  } catch {
    const parent = dirname(whole);
    return parent === whole ? whole : join(real(parent), relative(parent, whole));
  }
}

function pathsRead({ context, file, inline, values }: TargetWords): string[] {
  const named = values.buildContext.map((pair) => pair.slice(pair.indexOf('=') + 1));
  const isOwn = inline === undefined && !isFar(context);
  return [context, ...(isOwn ? [file] : []), ...named].filter((path) => !isFar(path) && !/^[a-z-]+:/.test(path));
}

function pathsWritten({ output = [] }: Target): string[] {
  return output.flatMap(({ dest }) => (typeof dest === 'string' && dest !== '-' ? [dest] : []));
}
