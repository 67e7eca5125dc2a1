/** The short form of a service's volume: `source:target:options`. */
import { posix } from 'node:path';
import { invalid, type TreeMap } from '#compose/model/tree.ts';

const PROPAGATIONS = new Set(['rprivate', 'private', 'rshared', 'shared', 'rslave', 'slave']);

/** A mount in long form. Options that mean nothing say nothing. Throws kind `invalid` in compose's words. */
export function parseMount(text: string): TreeMap {
  if (text === '') throw invalid('invalid empty volume spec');
  if (text.length <= 2) return { type: 'volume', target: clean(text) };
  const parts = splitMount(text);
  if (parts.includes('')) throw invalid(`invalid spec: ${text}: empty section between colons`);
  if (parts.length > 3) throw invalid(`invalid spec: ${text}: too many colons`);
  const [source, target, options] = parts.length === 1 ? [undefined, parts[0]] : parts;
  const type = source !== undefined && isPath(source) ? 'bind' : 'volume';
  const mount: TreeMap = { type, ...(source === undefined ? {} : { source }), target: clean(target ?? '') };
  const { read_only: readOnly, bind, volume } = readOptions(options?.split(',') ?? []);
  if (readOnly) mount.read_only = true;
  if (type === 'bind') mount.bind = { ...bind, create_host_path: true };
  else if (Object.keys(bind).length > 0) mount.bind = bind;
  if (type === 'volume' || Object.keys(volume).length > 0) mount.volume = volume;
  return mount;
}

function readOptions(options: readonly string[]): { read_only: boolean; bind: TreeMap; volume: TreeMap } {
  const bind: TreeMap = {};
  const volume: TreeMap = {};
  for (const option of options) {
    if (option === 'nocopy') volume.nocopy = true;
    else if (PROPAGATIONS.has(option)) bind.propagation = option;
    else if (option === 'z' || option === 'Z') bind.selinux = option;
  }
  const access = options.filter((option) => option === 'ro' || option === 'rw').at(-1);
  return { read_only: access === 'ro', bind, volume };
}

const clean = (target: string) => (target === '' ? '' : cleanPath(target));

/** Go's path.Clean. */
export function cleanPath(path: string): string {
  const normal = posix.normalize(path);
  return normal.length > 1 ? normal.replace(/\/$/, '') : normal;
}

/** At colons, but for those of `${…}` and of a drive (`C:\x`). */
function splitMount(text: string): string[] {
  const parts: string[] = [];
  let part = '';
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const letter = text.charAt(at);
    if (letter === '$' && text.charAt(at + 1) === '{') depth += 1;
    else if (letter === '}' && depth > 0) depth -= 1;
    if (letter === ':' && depth === 0 && !/^\p{L}$/u.test(part)) {
      parts.push(part);
      part = '';
    } else {
      part += letter;
    }
  }
  return [...parts, part];
}

/** A path on the host, not the name of a volume. */
function isPath(source: string): boolean {
  return /^[./~]/.test(source) || source.startsWith('\\\\') || /^\p{L}:/u.test(source);
}
