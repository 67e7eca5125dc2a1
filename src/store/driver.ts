/** How root file systems are mounted here: found by trying, remembered for this kernel, shown by `info`. */
import { release } from 'node:os';
import { WherryError } from '#base/error.ts';
import type { Store } from '#store/store.ts';
import { readJson, replace } from '#sys/file.ts';
import type { Overlay } from '#sys/overlay.ts';
import { randomHex } from '#sys/random.ts';

/** overlay: the kernel's; fuse-overlayfs; copy: every container gets a copy of its image. */
type Driver = 'overlay' | 'fuse-overlayfs' | 'copy';

export interface DriverChoice {
  driver: Driver;
  /** Trying is worth it again with another kernel. */
  kernel: string;
  /** Why a better one does not work here, in order of preference. */
  refusals: Partial<Record<Driver, string>>;
}

/** The driver of this store; $WHERRY_STORAGE_DRIVER decides instead where it is set. */
export async function storageDriver(store: Store): Promise<DriverChoice> {
  const forced = process.env.WHERRY_STORAGE_DRIVER;
  if (forced === 'overlay' || forced === 'fuse-overlayfs' || forced === 'copy') {
    return { driver: forced, kernel: release(), refusals: {} };
  }
  if (forced) {
    throw new WherryError('invalid', `Cannot use the storage driver "${forced}": there is none of this name`, {
      hint: 'Set WHERRY_STORAGE_DRIVER to overlay, fuse-overlayfs or copy, or leave it unset',
    });
  }
  const path = store.path('driver.json');
  const known = readJson<DriverChoice>(path);
  if (known?.kernel === release()) return known;
  const choice = await choose(store);
  replace(path, JSON.stringify(choice));
  return choice;
}

async function choose(store: Store): Promise<DriverChoice> {
  const { fuseOverlayRefusal, overlayRefusal } = await import('#sys/overlay.ts');
  const room = () => store.path('tmp', `driver-${process.pid}-${randomHex(4)}`);
  const refusals: DriverChoice['refusals'] = {};
  const kernel = release();
  const overlay = overlayRefusal(room());
  if (overlay === undefined) return { driver: 'overlay', kernel, refusals };
  refusals.overlay = overlay;
  const fuse = await fuseOverlayRefusal(room());
  if (fuse === undefined) return { driver: 'fuse-overlayfs', kernel, refusals };
  refusals['fuse-overlayfs'] = fuse;
  return { driver: 'copy', kernel, refusals };
}

/**
 * Joins directories into one tree by this store's driver. what: names it in errors.
 * Throws kind `unsupported` where nothing can be mounted.
 */
export async function mountByDriver(store: Store, overlay: Overlay, what: string): Promise<void> {
  const { driver, refusals } = await storageDriver(store);
  if (driver === 'copy') {
    const why = refusals.overlay === undefined ? '' : `: ${refusals.overlay}`;
    throw new WherryError('unsupported', `Cannot mount ${what}: no overlay can be mounted here${why}`, {
      hint: 'Keep the store on a file system that takes overlays (ext4, xfs, btrfs), or install fuse-overlayfs',
    });
  }
  const { mountFuseOverlay, mountOverlay } = await import('#sys/overlay.ts');
  if (driver === 'fuse-overlayfs') await mountFuseOverlay(overlay);
  else mountOverlay(overlay);
}
