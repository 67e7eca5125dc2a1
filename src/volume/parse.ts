/** What -v and --tmpfs say, read as Docker's command line reads them. Pure: nothing is looked up. */
import { WherryError } from '#base/error.ts';

const PROPAGATIONS = ['private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave'];

/** One -v: an anonymous volume (`/data`), or a bind in Docker's `source:target[:mode]` form with an absolute source. */
export type VolumeFlag = { anonymous: string } | { bind: string };

/**
 * Reads one -v. A source that starts with `.` or `~` is a path of the working directory, as the shell would have it.
 * Throws kind `invalid` in Docker's words.
 */
export function parseVolumeFlag(text: string, absolute: (path: string) => string): VolumeFlag {
  const parts = splitVolumeFlag(text);
  if (text === '') throw new WherryError('invalid', 'invalid empty volume spec');
  if (parts.length > 3) throw new WherryError('invalid', `invalid spec: ${text}: too many colons`);
  if (parts.some((part) => part === '')) {
    throw new WherryError('invalid', `invalid spec: ${text}: empty section between colons`);
  }
  const [source = '', ...rest] = parts;
  if (rest.length === 0) return { anonymous: source };
  return { bind: [/^(\.|~)/.test(source) ? absolute(source) : source, ...rest].join(':') };
}

/** At the colons; but one behind a single letter, as a part's beginning, is a Windows drive's to Docker on any host. */
function splitVolumeFlag(text: string): string[] {
  return text.match(/(?<=^|:)(?:[A-Za-z]:)?[^:]*(?=:|$)/g) ?? [];
}

/** The three parts of a bind. */
export interface Bind {
  /** An absolute path of the host, or a volume's name. */
  source: string;
  target: string;
  /** As written. */
  mode: string;
  readOnly: boolean;
  noCopy: boolean;
  propagation: string;
  /** podman's `U`: the content is given to the container's user. */
  chown: boolean;
  /** podman's `O`: what the container writes is its own, and the source stays as it is. */
  overlay: boolean;
  /** podman's `idmap`. */
  idmap: boolean;
}

/**
 * Each group may be named once; what SELinux and macOS hosts need (z, cached …) changes nothing here. The last ones are
 * podman's.
 */
const MODE_GROUPS = [
  ['ro', 'rw'],
  PROPAGATIONS,
  ['nocopy', 'copy'],
  ['z', 'Z'],
  ['consistent', 'cached', 'delegated'],
  ['U'],
  ['O'],
  ['idmap'],
];

/** Reads a bind as it stands in HostConfig.Binds. Throws kind `invalid` in Docker's words. */
export function parseBind(text: string): Bind {
  const [source = '', target = '', mode = '', ...more] = text.split(':');
  if (more.length > 0) throw new WherryError('invalid', `invalid volume specification: '${text}'`);
  const words = modeWords(mode);
  checkKind(text, source.startsWith('/') ? 'bind' : 'volume', words);
  return {
    source,
    target,
    mode,
    readOnly: words.includes('ro'),
    noCopy: words.includes('nocopy'),
    propagation: words.find((word) => PROPAGATIONS.includes(word)) ?? '',
    chown: words.includes('U'),
    overlay: words.includes('O'),
    idmap: words.includes('idmap'),
  };
}

/** Throws for what is no mode, and where a group is named twice. */
function modeWords(mode: string): string[] {
  const words = mode === '' ? [] : mode.split(',');
  const groups = words.map((word) => MODE_GROUPS.findIndex((group) => group.includes(word)));
  if (groups.includes(-1) || new Set(groups).size !== groups.length) {
    throw new WherryError('invalid', `invalid mode: ${mode}`);
  }
  return words;
}

const INHERITABLE = new Set(['ro', 'rw', 'z', 'Z', 'consistent', 'cached', 'delegated']);

/** One of HostConfig.VolumesFrom: `container[:mode]`. Throws kind `invalid` in Docker's words. */
export function parseVolumesFrom(text: string): { container: string; readOnly: boolean } {
  if (text === '') throw new WherryError('invalid', 'volumes-from specification cannot be an empty string');
  const [container = '', ...more] = text.split(':');
  const mode = more.join(':');
  const words = modeWords(mode);
  if (!words.every((word) => INHERITABLE.has(word))) throw new WherryError('invalid', `invalid mode: ${mode}`);
  return { container, readOnly: words.includes('ro') };
}

/** What only the other kind knows. */
function checkKind(text: string, type: 'bind' | 'volume', words: readonly string[]): void {
  const [foreign, field] = type === 'bind' ? [['nocopy', 'copy'], 'VolumeOptions'] : [PROPAGATIONS, 'BindOptions'];
  if (!words.some((word) => foreign.includes(word))) return;
  const why = `invalid mount config for type "${type}": field ${field} must not be specified`;
  throw new WherryError('invalid', `invalid volume specification: '${text}': ${why}`);
}

/** One --tmpfs: `path[:options]`. */
export function parseTmpfsFlag(text: string): { path: string; options: string } {
  const colon = text.indexOf(':');
  if (colon === -1) return { path: text, options: '' };
  return { path: text.slice(0, colon), options: text.slice(colon + 1) };
}
