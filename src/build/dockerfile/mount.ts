/** `RUN --mount` and `RUN --device`, as BuildKit reads them. */
import { csv } from '#base/csv.ts';
import { WherryError } from '#base/error.ts';
import { quote } from '#base/go-quote.ts';
import { parseBool, parseBytes } from '#base/units.ts';
import { wrong } from '#build/dockerfile/fault.ts';
import { suggestion } from '#build/dockerfile/text.ts';
import type { RunMount } from '#build/vertex.ts';

type MountType = RunMount['type'];

/** A `--mount` as it is written, variables put in. */
export interface MountFlag {
  type: MountType;
  from: string;
  source: string;
  target: string;
  readonly: boolean;
  size?: number;
  id: string;
  sharing?: NonNullable<RunMount['sharing']>;
  required: boolean;
  /** '' where the variable is named, but has no name. */
  env?: string;
  mode?: number;
  uid?: number;
  gid?: number;
}

const TYPES: readonly MountType[] = ['bind', 'cache', 'tmpfs', 'secret', 'ssh'];
const SHARING = ['shared', 'private', 'locked'] as const;
const KEYS =
  'type from source target readonly id sharing required size mode uid gid src dst destination ro rw readwrite env';

/** Before variables are known: only what no variable may be in. */
export function checkMounts(mounts: readonly string[]): void {
  for (const text of mounts) {
    for (const { key, value } of fields(text, 'mounts')) {
      const dollar = key === 'from' ? (value?.indexOf('$') ?? -1) : -1;
      if (dollar >= 0 && dollar !== (value?.length ?? 0) - 1) {
        throw wrong("'from' doesn't support variable expansion, define alias stage instead");
      }
    }
  }
}

/** Which stage or image a mount is from; '' where it says nothing. */
export function mountFrom(text: string): string {
  return fields(text, 'mounts').findLast(({ key, value }) => key === 'from' && value !== undefined)?.value ?? '';
}

interface Field {
  text: string;
  /** In lower case. */
  key: string;
  value?: string;
}

function fields(text: string, what: string): Field[] {
  if (text === '') throw wrong(`failed to parse csv ${what}: EOF`);
  let parts: string[];
  try {
    parts = csv(text);
  } catch (error) {
    if (!(error instanceof WherryError)) throw error;
    throw wrong(`failed to parse csv ${what}: ${error.message}`);
  }
  return parts.map((field) => {
    const at = field.indexOf('=');
    const key = (at < 0 ? field : field.slice(0, at)).toLowerCase();
    return at < 0 ? { text: field, key } : { text: field, key, value: field.slice(at + 1) };
  });
}

/** Throws kind `invalid` in BuildKit's words. */
export function readMount(text: string, expand: (word: string) => string): MountFlag {
  const mount: Draft = { type: 'bind', from: '', source: '', target: '', id: '', required: false };
  for (const field of fields(text, 'mounts')) {
    const value = field.value === undefined ? undefined : expand(field.value);
    const set = Object.hasOwn(SETTERS, field.key) ? SETTERS[field.key] : undefined;
    if (value === undefined && !ALONE.has(field.key)) {
      throw wrong(`invalid field '${field.key}' must be a key=value pair`, field.text);
    }
    if (set === undefined) {
      throw wrong(
        `unexpected key '${field.key}' in '${field.text}'${suggestion(field.key, KEYS.split(' '))}`,
        field.text,
      );
    }
    set(mount, value ?? 'true', field.key);
  }
  check(mount);
  const { readonly = mount.type !== 'cache' && mount.type !== 'tmpfs' } = mount;
  return { ...mount, readonly };
}

type Draft = Omit<MountFlag, 'readonly'> & { readonly?: boolean };

/** They can stand without a value. */
const ALONE = new Set(['readonly', 'ro', 'readwrite', 'rw', 'required']);

type Setter = (mount: Draft, value: string, key: string) => void;

const target: Setter = (mount, value) => {
  mount.target = value;
};
const source: Setter = (mount, value) => {
  mount.source = value;
};
const readonly: Setter = (mount, value, key) => {
  mount.readonly = bool(value, key);
};
const readwrite: Setter = (mount, value, key) => {
  mount.readonly = !bool(value, key);
};

const number =
  (field: 'mode' | 'uid' | 'gid', radix: 8 | 10): Setter =>
  (mount, value) => {
    const digits = radix === 8 ? /^[0-7]+$/ : /^\d+$/;
    const read = Number.parseInt(value, radix);
    if (!digits.test(value) || read >= 2 ** 32) throw wrong(`invalid value ${value} for ${field}`);
    mount[field] = read;
  };

const SETTERS: Readonly<Record<string, Setter>> = {
  type: (mount, value) => {
    const type = TYPES.find((known) => known === value.toLowerCase());
    if (type === undefined)
      throw wrong(`unsupported mount type ${quote(value.toLowerCase())}${suggestion(value, TYPES)}`, value);
    mount.type = type;
  },
  from: (mount, value) => {
    mount.from = value;
  },
  source,
  src: source,
  target,
  dst: target,
  destination: target,
  readonly,
  ro: readonly,
  readwrite,
  rw: readwrite,
  required: (mount, value, key) => {
    onlyFor(mount, key, ['secret', 'ssh']);
    mount.required = bool(value, key);
  },
  size: (mount, value, key) => {
    onlyFor(mount, key, ['tmpfs']);
    mount.size = bytes(value, key);
  },
  id: (mount, value) => {
    mount.id = value;
  },
  sharing: (mount, value) => {
    const sharing = SHARING.find((known) => known === value.toLowerCase());
    if (sharing === undefined) {
      throw wrong(`unsupported sharing value ${quote(value.toLowerCase())}${suggestion(value, SHARING)}`, value);
    }
    mount.sharing = sharing;
  },
  mode: number('mode', 8),
  uid: number('uid', 10),
  gid: number('gid', 10),
  env: (mount, value) => {
    mount.env = value;
  },
};

function bool(value: string, key: string): boolean {
  const read = parseBool(value);
  if (read === undefined) throw wrong(`invalid value for ${key}: ${value}`);
  return read;
}

function bytes(value: string, key: string): number {
  try {
    return parseBytes(value);
  } catch (error) {
    if (!(error instanceof WherryError)) throw error;
    throw wrong(`invalid value for ${key}: ${value}`);
  }
}

function onlyFor({ type }: Draft, key: string, types: readonly MountType[]): void {
  if (!types.includes(type)) throw wrong(`unexpected key '${key}' for mount type '${type}'`);
}

function check(mount: Draft): void {
  const { type, sharing } = mount;
  for (const field of ['mode', 'uid', 'gid'] as const) {
    const isAllowed = type === 'secret' || type === 'ssh' || type === 'cache';
    if (!isAllowed && mount[field] !== undefined) throw wrong(`${field} not allowed for ${quote(type)} type mounts`);
  }
  if (type === 'secret') checkSecret(mount);
  if (sharing !== undefined && type !== 'cache') throw wrong(`invalid cache sharing set for ${type} mount`);
}

function checkSecret({ from, sharing, source: path, target: to, id }: Draft): void {
  if (from !== '') throw wrong('secret mount should not have a from');
  if (sharing !== undefined) throw wrong('secret mount should not define sharing');
  if (path === '' && to === '' && id === '') throw wrong('invalid secret mount. one of source, target required');
  if (path !== '' && id !== '') throw wrong("both source and id can't be set");
}

/** A name, or a CDI device that may be `required`. */
export function readDevice(text: string): { name: string; required: boolean } {
  const device = { name: '', required: false };
  for (const { text: field, key, value } of fields(text, 'devices')) {
    if (key === 'required') device.required = value === undefined || bool(value, key);
    else if (key === 'name' && value !== undefined) {
      if (device.name !== '') throw wrong(`device name already set to ${device.name}`);
      device.name = value;
    } else {
      if (device.name !== '') throw strangeField(field, { key, value });
      device.name = field;
    }
  }
  return device;
}

function strangeField(field: string, { key, value }: { key: string; value: string | undefined }): Error {
  if (value === undefined) return wrong(`invalid field '${field}' must be a key=value pair`);
  return wrong(`unexpected key '${key}' in '${field}'${suggestion(key, ['name', 'required'])}`);
}
