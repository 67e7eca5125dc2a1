/** From what was asked for to what gets mounted: volumes are made, host paths looked at, the order settled. */
import { posix } from 'node:path';
import type { MountPoint, MountRequest } from '#base/api.ts';
import { WherryError } from '#base/error.ts';
import { given } from '#base/given.ts';
import type { Store } from '#store/store.ts';
import { checkSource, makeHostDirectory } from '#volume/host-path.ts';
import { flagWords, isReadOnly } from '#volume/options.ts';
import { parseBind } from '#volume/parse.ts';
import { createVolume, type VolumeOptions } from '#volume/volume.ts';

export interface MountWishes {
  /** HostConfig.Binds. */
  binds: readonly string[];
  /** HostConfig.Mounts. */
  mounts: readonly MountRequest[];
  /** HostConfig.Tmpfs: path -> options. */
  tmpfs: Readonly<Record<string, string>>;
  /** Config.Volumes: the image's and those of `-v /path`. */
  volumes: readonly string[];
  /** The mounts of the containers of --volumes-from. */
  inherited?: readonly MountPoint[];
  /** HostConfig.VolumeDriver. */
  volumeDriver?: string;
  /** Finds the image that is to be mounted. Throws kind `not-found`. */
  image?: (name: string) => NonNullable<MountPoint['Image']>;
}

/**
 * What a container mounts, parents before what is inside them. Named volumes are made where they are missing, and so
 * are the anonymous ones and the host paths of -v (Docker's way; --mount refuses a missing one).
 * Throws kind `invalid` in Docker's words.
 */
export async function resolveMounts(store: Store, wishes: MountWishes): Promise<MountPoint[]> {
  const points = new Map<string, MountPoint>();
  const add = (point: MountPoint) => {
    if (points.has(point.Destination)) {
      throw new WherryError('invalid', `Duplicate mount point: ${point.Destination}`);
    }
    points.set(point.Destination, point);
  };
  for (const bind of new Set(wishes.binds)) add(await fromBind(store, bind, wishes));
  for (const mount of wishes.mounts) add(await fromMount(store, mount, wishes));
  for (const [path, options] of Object.entries(wishes.tmpfs)) add(fromTmpfs(path, options));
  for (const point of wishes.inherited ?? []) {
    if (!points.has(point.Destination)) points.set(point.Destination, point);
  }
  for (const path of wishes.volumes) {
    // Docker takes these from the root where they are relative; images have such ones.
    const destination = cleanTarget(path.startsWith('/') ? path : `/${path}`);
    if (points.has(destination)) continue;
    const wanted = givenDriver(wishes.volumeDriver);
    points.set(
      destination,
      await volumePoint(store, wanted, destination, { mode: '', readOnly: false, noCopy: false }),
    );
  }
  return [...points.values()].sort((one, other) => depth(one) - depth(other));
}

const depth = (point: MountPoint) => point.Destination.split('/').length;

function cleanTarget(path: string): string {
  if (!path.startsWith('/')) {
    throw new WherryError('invalid', `invalid mount path: '${path}' mount path must be absolute`);
  }
  const clean = posix.normalize(path).replace(/(.)\/$/, '$1');
  if (clean === '/') throw new WherryError('invalid', "invalid specification: destination can't be '/'");
  return clean;
}

/** Docker names the whole specification in front of what is wrong with it. */
function within<T>(prefix: string, check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof WherryError)) throw error;
    throw new WherryError(error.kind, `${prefix}: ${error.message}`, { cause: error });
  }
}

async function fromBind(store: Store, text: string, { volumeDriver }: MountWishes): Promise<MountPoint> {
  const bind = parseBind(text);
  const type = bind.source.startsWith('/') ? 'bind' : 'volume';
  const destination = within(`invalid volume specification: '${text}': invalid mount config for type "${type}"`, () =>
    cleanTarget(bind.target),
  );
  const marks = {
    ...(bind.chown ? { Chown: true } : {}),
    ...(bind.overlay ? { Overlay: true } : {}),
    ...(bind.idmap ? { Idmap: true } : {}),
  };
  if (type === 'volume') {
    const wanted = { name: bind.source, ...givenDriver(volumeDriver) };
    const { mode, readOnly, noCopy } = bind;
    return { ...(await volumePoint(store, wanted, destination, { mode: mode || 'z', readOnly, noCopy })), ...marks };
  }
  makeHostDirectory(bind.source);
  const { mode, readOnly, propagation } = bind;
  return { ...bindPoint(posix.normalize(bind.source), destination, { mode, readOnly, propagation }), ...marks };
}

const givenDriver = (driver = ''): VolumeOptions => (driver === '' ? {} : { driver });

function bindPoint(
  source: string,
  destination: string,
  { mode, readOnly, propagation }: { mode: string; readOnly: boolean; propagation: string },
): MountPoint {
  const clean = source.replace(/(.)\/$/, '$1');
  return {
    Type: 'bind',
    Source: clean,
    Destination: destination,
    Mode: mode,
    RW: !readOnly,
    Propagation: propagation === '' ? 'rprivate' : propagation,
  };
}

async function volumePoint(
  store: Store,
  wanted: VolumeOptions,
  destination: string,
  { mode, readOnly, noCopy }: { mode: string; readOnly: boolean; noCopy: boolean },
): Promise<MountPoint> {
  const volume = await createVolume(store, wanted);
  const flags = flagWords(volume.Options ?? {});
  return {
    Type: 'volume',
    Name: volume.Name,
    Source: volume.Mountpoint,
    Destination: destination,
    Driver: 'local',
    Mode: mode,
    // A runtime's own mount of a read-only mount would be writable again.
    RW: !readOnly && !isReadOnly(volume.Options ?? {}),
    Propagation: '',
    ...(noCopy ? { NoCopy: true } : {}),
    ...(flags.length === 0 ? {} : { Flags: flags }),
    ...(wanted.name === undefined ? { Anonymous: true } : {}),
  };
}

async function fromMount(store: Store, mount: MountRequest, wishes: MountWishes): Promise<MountPoint> {
  const prefix = `invalid mount config for type "${mount.Type}"`;
  const refuse = (why: string) => new WherryError('invalid', `${prefix}: ${why}`);
  const make = MOUNT_TYPES[mount.Type];
  if (make === undefined) throw refuse('mount type unknown');
  const destination = within(prefix, () => cleanTarget(mount.Target));
  return make(store, mount, destination, { refuse, wishes });
}

interface Help {
  refuse: (why: string) => WherryError;
  wishes: MountWishes;
}
type FromMount = (store: Store, mount: MountRequest, destination: string, help: Help) => Promise<MountPoint>;

const MOUNT_TYPES: Partial<Record<MountRequest['Type'], FromMount>> = {
  bind: async (_store, mount, destination, { refuse }) => {
    const source = mount.Source ?? '';
    const propagation = mount.BindOptions?.Propagation ?? '';
    if (source === '') throw refuse('field Source must not be empty');
    if (!source.startsWith('/')) throw refuse(`invalid mount path: '${source}' mount path must be absolute`);
    if (propagation !== '' && !/^r?(private|shared|slave)$/.test(propagation)) {
      throw refuse(`invalid propagation mode: ${propagation}`);
    }
    if (mount.BindOptions?.CreateMountpoint) makeHostDirectory(source);
    checkSource(source, refuse);
    const point = bindPoint(posix.normalize(source), destination, {
      mode: '',
      readOnly: mount.ReadOnly ?? false,
      propagation,
    });
    const { NonRecursive, ReadOnlyNonRecursive, ReadOnlyForceRecursive } = mount.BindOptions ?? {};
    return {
      ...point,
      ...(NonRecursive ? { NonRecursive } : {}),
      ...(ReadOnlyNonRecursive ? { ReadOnlyNonRecursive } : {}),
      ...(ReadOnlyForceRecursive ? { ReadOnlyForceRecursive } : {}),
    };
  },
  volume: async (store, mount, destination, { refuse }) => {
    const readOnly = mount.ReadOnly ?? false;
    const { NoCopy = false, Labels, Subpath = '', DriverConfig = {} } = mount.VolumeOptions ?? {};
    const { Source: name = '' } = mount;
    if (name === '' && readOnly) throw refuse('must not set ReadOnly mode when using anonymous volumes');
    if (name === '' && Subpath !== '') throw refuse('must not set Subpath when using anonymous volumes');
    checkSubpath(Subpath, refuse);
    const { Name: driver, Options } = DriverConfig;
    const wanted = {
      ...(name === '' ? {} : { name }),
      ...given({ labels: Labels, options: Options }),
      ...givenDriver(driver),
    };
    const point = await volumePoint(store, wanted, destination, { mode: 'z', readOnly, noCopy: NoCopy });
    return Subpath === '' ? point : { ...point, Subpath };
  },
  image: async (_store, mount, destination, { refuse, wishes }) => {
    const { Source = '', ImageOptions: { Subpath = '' } = {} } = mount;
    if (Source === '') throw refuse('field Source must not be empty');
    checkSubpath(Subpath, refuse);
    const image = wishes.image?.(Source);
    if (image === undefined) throw refuse('mount type unknown');
    return {
      Type: 'image',
      Name: Source,
      Source: '',
      Destination: destination,
      Mode: '',
      RW: false,
      Propagation: 'rprivate',
      Image: image,
      ...(Subpath === '' ? {} : { Subpath }),
    };
  },
  tmpfs: async (_store, mount, destination, { refuse }) => {
    if (mount.Source) throw refuse('field Source must not be specified');
    const { SizeBytes, Mode } = mount.TmpfsOptions ?? {};
    return {
      ...fromTmpfs(destination, ''),
      RW: !mount.ReadOnly,
      TmpfsOptions: [
        ...(SizeBytes === undefined ? [] : [`size=${SizeBytes}`]),
        ...(Mode === undefined ? [] : [`mode=${Mode.toString(8)}`]),
      ],
    };
  },
};

function checkSubpath(path: string, refuse: Help['refuse']): void {
  if (path.startsWith('/') || /^\.\.(\/|$)/.test(posix.normalize(path))) {
    throw refuse('subpath must be a relative path within the volume');
  }
}

/** tmpfs(5) options that take a value, and the flags of mount(8) that Docker lets through. */
const TMPFS_VALUES = /^(size|nr_blocks|nr_inodes|mode|uid|gid|mpol)=/;
const TMPFS_FLAGS =
  /^(ro|rw|(no)?(suid|dev|exec|atime|diratime|relatime|strictatime)|suid|dev|exec|(a)?sync|(r)?(private|shared|slave|unbindable)|dirsync|remount|mand|nomand|r?bind|noswap|huge=\w+)$/;

function fromTmpfs(path: string, options: string): MountPoint {
  const words = options === '' ? [] : options.split(',');
  const unknown = words.find((word) => !TMPFS_VALUES.test(word) && !TMPFS_FLAGS.test(word));
  if (unknown !== undefined) throw new WherryError('invalid', `invalid tmpfs option "${unknown}"`);
  return {
    Type: 'tmpfs',
    Source: '',
    Destination: cleanTarget(path),
    Mode: options,
    RW: !words.includes('ro'),
    Propagation: '',
    TmpfsOptions: words,
  };
}
