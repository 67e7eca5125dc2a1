/** What -v, --mount and --tmpfs say, read as Docker's command line reads them. Pure: nothing is looked up. */
import type { MountRequest } from '#base/api.ts';
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
}

/** Each group may be named once; what SELinux and macOS hosts need (z, cached …) changes nothing here. */
const MODE_GROUPS = [['ro', 'rw'], PROPAGATIONS, ['nocopy', 'copy'], ['z', 'Z'], ['consistent', 'cached', 'delegated']];

/** Reads a bind as it stands in HostConfig.Binds. Throws kind `invalid` in Docker's words. */
export function parseBind(text: string): Bind {
  const [source = '', target = '', mode = '', ...more] = text.split(':');
  if (more.length > 0) throw new WherryError('invalid', `invalid volume specification: '${text}'`);
  const words = mode === '' ? [] : mode.split(',');
  const groups = words.map((word) => MODE_GROUPS.findIndex((group) => group.includes(word)));
  if (groups.includes(-1) || new Set(groups).size !== groups.length) {
    throw new WherryError('invalid', `invalid mode: ${mode}`);
  }
  return {
    source,
    target,
    mode,
    readOnly: words.includes('ro'),
    noCopy: words.includes('nocopy'),
    propagation: words.find((word) => PROPAGATIONS.includes(word)) ?? '',
  };
}

/** One --tmpfs: `path[:options]`. */
export function parseTmpfsFlag(text: string): { path: string; options: string } {
  const colon = text.indexOf(':');
  if (colon === -1) return { path: text, options: '' };
  return { path: text.slice(0, colon), options: text.slice(colon + 1) };
}

/** A key of --mount and what it does to the request. */
type Setter = (mount: MountRequest, value: string, key: string) => void;

function truth(value: string, key: string): boolean {
  if (['1', 't', 'T', 'true', 'TRUE', 'True', ''].includes(value)) return true;
  if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(value)) return false;
  throw new WherryError('invalid', `invalid value for ${key}: ${value}`);
}

const SIZE_UNITS: Record<string, number> = { '': 0, b: 0, k: 1, m: 2, g: 3, t: 4, p: 5 };

function size(value: string, key: string): number {
  const match = /^(\d+(?:\.\d+)?) ?([bkmgtp]?)(?:i?b)?$/i.exec(value);
  if (match === null) throw new WherryError('invalid', `invalid value for ${key}: ${value}`);
  return Math.floor(Number(match[1]) * 1024 ** (SIZE_UNITS[(match[2] ?? '').toLowerCase()] ?? 0));
}

function octal(value: string, key: string): number {
  if (!/^[0-7]+$/.test(value)) throw new WherryError('invalid', `invalid value for ${key}: ${value}`);
  return Number.parseInt(value, 8);
}

const readOnly: Setter = (mount, value, key) => {
  mount.ReadOnly = truth(value, key);
};
const source: Setter = (mount, value) => {
  mount.Source = value;
};
const target: Setter = (mount, value) => {
  mount.Target = value;
};

const SETTERS: Record<string, Setter> = {
  type: (mount, value) => {
    mount.Type = value.toLowerCase() as MountRequest['Type'];
  },
  source,
  src: source,
  target,
  dst: target,
  destination: target,
  readonly: readOnly,
  ro: readOnly,
  'bind-propagation': (mount, value) => {
    mount.BindOptions = { ...mount.BindOptions, Propagation: value.toLowerCase() };
  },
  'bind-nonrecursive': (mount, value, key) => {
    mount.BindOptions = { ...mount.BindOptions, NonRecursive: truth(value, key) };
  },
  'bind-create-src': (mount, value, key) => {
    mount.BindOptions = { ...mount.BindOptions, CreateMountpoint: truth(value, key) };
  },
  'volume-nocopy': (mount, value, key) => {
    mount.VolumeOptions = { ...mount.VolumeOptions, NoCopy: truth(value, key) };
  },
  'volume-label': (mount, value) => {
    const [name = '', ...rest] = value.split('=');
    mount.VolumeOptions = {
      ...mount.VolumeOptions,
      Labels: { ...mount.VolumeOptions?.Labels, [name]: rest.join('=') },
    };
  },
  'tmpfs-size': (mount, value, key) => {
    mount.TmpfsOptions = { ...mount.TmpfsOptions, SizeBytes: size(value, key) };
  },
  'tmpfs-mode': (mount, value, key) => {
    mount.TmpfsOptions = { ...mount.TmpfsOptions, Mode: octal(value, key) };
  },
  // Only macOS hosts cache; Docker takes the word and does nothing with it.
  consistency: () => undefined,
};

/** Keys that may stand alone, without a value. */
const BARE = new Set(['readonly', 'ro', 'volume-nocopy', 'bind-nonrecursive', 'bind-create-src']);

/** Reads one --mount: fields as in a line of CSV. Throws kind `invalid` in Docker's words. */
export function parseMountFlag(text: string): MountRequest {
  if (text === '') throw new WherryError('invalid', 'EOF');
  const mount: MountRequest = { Type: 'volume', Target: '' };
  for (const field of csv(text)) {
    const equals = field.indexOf('=');
    const key = (equals === -1 ? field : field.slice(0, equals)).toLowerCase();
    if (equals === -1 && !BARE.has(key)) {
      throw new WherryError('invalid', `invalid field '${field}' must be a key=value pair`);
    }
    const set = Object.hasOwn(SETTERS, key) ? SETTERS[key] : undefined;
    if (set === undefined) throw new WherryError('invalid', `unexpected key '${key}' in '${field}'`);
    set(mount, equals === -1 ? '' : field.slice(equals + 1), key);
  }
  checkMix(mount);
  return mount;
}

function checkMix(mount: MountRequest): void {
  const options = { volume: mount.VolumeOptions, bind: mount.BindOptions, tmpfs: mount.TmpfsOptions };
  if (mount.Target === '') throw new WherryError('invalid', 'target is required');
  for (const [type, given] of Object.entries(options)) {
    if (given !== undefined && mount.Type !== type) {
      throw new WherryError('invalid', `cannot mix '${type}-*' options with mount type '${mount.Type}'`);
    }
  }
}

/** One record of RFC 4180: a field in double quotes may hold commas, a doubled quote is one. */
export function csv(line: string): string[] {
  const fields: string[] = [];
  const pattern = /(?:^|,)(?:"((?:[^"]|"")*)"|([^",]*))/gy;
  let end = 0;
  for (let match = pattern.exec(line); match !== null; match = pattern.exec(line)) {
    fields.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
    end = pattern.lastIndex;
    if (end === line.length) return fields;
  }
  throw new WherryError('invalid', `parse error on line 1, column ${end + 1}: bare " in non-quoted-field`);
}
