/** What --mount says, read as Docker's command line reads it. Pure: nothing is looked up. */
import type { MountRequest } from '#base/api.ts';
import { csv } from '#base/csv.ts';
import { WherryError } from '#base/error.ts';
import { given } from '#base/given.ts';

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

/** How deep a bind mount goes, and how deep its `readonly`. */
const RECURSIVE: Record<string, NonNullable<MountRequest['BindOptions']>> = {
  enabled: {},
  disabled: { NonRecursive: true },
  writable: { ReadOnlyNonRecursive: true },
  readonly: { ReadOnlyForceRecursive: true },
};

function ofVolume(mount: MountRequest, options: NonNullable<MountRequest['VolumeOptions']>): void {
  mount.VolumeOptions = { DriverConfig: {}, ...mount.VolumeOptions, ...options };
}

function asPair(value: string): Record<string, string> {
  const [name = '', ...rest] = value.split('=');
  return { [name]: rest.join('=') };
}

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
  'bind-recursive': (mount, value, key) => {
    const options = Object.hasOwn(RECURSIVE, value) ? RECURSIVE[value] : undefined;
    if (options === undefined) {
      const choices = '(must be "enabled", "disabled", "writable", or "readonly")';
      throw new WherryError('invalid', `invalid value for ${key}: ${value} ${choices}`);
    }
    mount.BindOptions = { ...mount.BindOptions, ...options };
  },
  'bind-nonrecursive': (mount, value, key) => {
    mount.BindOptions = { ...mount.BindOptions, NonRecursive: truth(value, key) };
  },
  'bind-create-src': (mount, value, key) => {
    mount.BindOptions = { ...mount.BindOptions, CreateMountpoint: truth(value, key) };
  },
  'volume-nocopy': (mount, value, key) => ofVolume(mount, { NoCopy: truth(value, key) }),
  'volume-label': (mount, value) => ofVolume(mount, { Labels: { ...mount.VolumeOptions?.Labels, ...asPair(value) } }),
  'volume-subpath': (mount, value) => ofVolume(mount, { Subpath: value }),
  'volume-driver': (mount, value) =>
    ofVolume(mount, { DriverConfig: { ...mount.VolumeOptions?.DriverConfig, Name: value } }),
  'volume-opt': (mount, value) => {
    const driver = mount.VolumeOptions?.DriverConfig;
    ofVolume(mount, { DriverConfig: { ...driver, Options: { ...driver?.Options, ...asPair(value) } } });
  },
  'image-subpath': (mount, value) => {
    mount.ImageOptions = { ...mount.ImageOptions, Subpath: value };
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
  return inOrder(mount);
}

/** As Docker's own shapes have their fields, which inspect shows. */
function inOrder({ Type, Source, Target, VolumeOptions, ...rest }: MountRequest): MountRequest {
  const { NoCopy, Labels, Subpath, DriverConfig } = VolumeOptions ?? {};
  return {
    Type,
    ...given({ Source }),
    Target,
    ...rest,
    ...(VolumeOptions === undefined ? {} : { VolumeOptions: given({ NoCopy, Labels, Subpath, DriverConfig }) }),
  };
}

function checkMix(mount: MountRequest): void {
  const { VolumeOptions: volume, ImageOptions: image, BindOptions: bind, TmpfsOptions: tmpfs } = mount;
  if ((mount.Type as string) === '') throw new WherryError('invalid', 'type is required');
  if (mount.Target === '') throw new WherryError('invalid', 'target is required');
  for (const [type, given] of Object.entries({ volume, image, bind, tmpfs })) {
    if (given !== undefined && mount.Type !== type) {
      throw new WherryError('invalid', `cannot mix '${type}-*' options with mount type '${mount.Type}'`);
    }
  }
  const needs = (option: string, other: string) => {
    throw new WherryError('invalid', `option '${option}' requires '${other}' to be specified in conjunction`);
  };
  if (bind?.ReadOnlyNonRecursive && !mount.ReadOnly) needs('bind-recursive=writable', 'readonly');
  if (!bind?.ReadOnlyForceRecursive) return;
  if (!mount.ReadOnly) needs('bind-recursive=readonly', 'readonly');
  if (bind.Propagation !== 'rprivate') needs('bind-recursive=readonly', 'bind-propagation=rprivate');
}
