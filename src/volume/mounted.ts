/** Volumes with options of their own are mounted on their directory while a container has them, as Docker does. */
import { getSystemErrorMessage } from 'node:util';
import { hasCode, WherryError } from '#base/error.ts';
import type { Store } from '#store/store.ts';
import { MS, mount } from '#sys/ffi.ts';
import { lock } from '#sys/file.ts';
import { mountPoints } from '#sys/mountinfo.ts';
import { unmountTree } from '#sys/overlay.ts';
import { type MountCall, mountCall } from '#volume/options.ts';
import { findVolume, volumeData } from '#volume/volume.ts';

/**
 * Mounts a volume where it has options and isn't mounted yet; gives the type of its file system. Throws kind `invalid`
 * in Docker's words.
 */
export async function mountVolume(store: Store, name: string): Promise<string | undefined> {
  const call = mountCall(findVolume(store, name)?.Options ?? {});
  if (call === undefined) return undefined;
  using _held = await lock(store.path('volumes', name));
  const data = volumeData(store, name);
  if (mountPoints().has(data)) return call.type;
  if (call.device === '') {
    throw new WherryError('invalid', `error while mounting volume '${data}': missing device in volume options`);
  }
  try {
    mount(call.device, data, call.type, call.flags, call.data === '' ? null : call.data);
    if (isReadOnlyBind(call)) mount('none', data, null, MS.BIND | MS.REMOUNT | call.flags, null);
  } catch (error) {
    unmountTree(data);
    throw refusal(error, data, call);
  }
  return call.type;
}

/** A bind mount takes its flags by a second call only (mount(2)). */
const isReadOnlyBind = ({ flags }: MountCall) => (flags & MS.BIND) !== 0 && (flags & ~(MS.BIND | MS.REC)) !== 0;

function refusal(error: unknown, data: string, { device, flags, data: options }: MountCall): unknown {
  if (!hasCode(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'EINVAL', 'ENODEV', 'EBUSY', 'ENOSPC', 'ENOMEM'))
    return error;
  const how = [
    ...(flags === 0 ? [] : [`, flags: 0x${flags.toString(16)}`]),
    ...(options === '' ? [] : [`, data: ${options}`]),
  ];
  const why = getSystemErrorMessage((error as NodeJS.ErrnoException).errno ?? 0);
  const what = `failed to mount local volume: mount ${device}:${data}${how.join('')}: ${why}`;
  // Docker takes what is not there for a command that isn't.
  const status = hasCode(error, 'ENOENT') ? { exitCode: 127 } : {};
  return new WherryError('invalid', `error while mounting volume '${data}': ${what}`, { cause: error, ...status });
}

/** Unmounts it when the last container that has it has ended. isUsed: asked while nobody else can mount it. */
export async function unmountVolume(store: Store, name: string, isUsed: () => boolean): Promise<void> {
  if (mountCall(findVolume(store, name)?.Options ?? {}) === undefined) return;
  using _held = await lock(store.path('volumes', name));
  if (!isUsed()) unmountTree(volumeData(store, name));
}
