/** The end of everything that a user has here: as on a machine where wherry never ran. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { hasCode, WherryError } from '#base/error.ts';
import { together } from '#base/together.ts';
import { containerIds } from '#container/names.ts';
import { removeContainer } from '#engine/start.ts';
import { endNetworks } from '#network/end.ts';
import type { Store } from '#store/store.ts';
import { umount } from '#sys/ffi.ts';
import { readText, removeTree } from '#sys/file.ts';
import { mountPoints } from '#sys/mountinfo.ts';
import { signalProcess } from '#sys/process.ts';

const SIGKILL = 9;
/** Mounts on one place. */
const ROUNDS = 8;
/** Containers that end at the same time. */
const AT_ONCE = 8;

/**
 * Kills and removes every container, ends the network namespace and what serves it, unmounts what is mounted, removes the
 * store and the runtime directory, and ends the process that kept the namespaces. What is damaged goes as well as what is
 * whole. The directories themselves stay where they can't go (a mount point, another one's directory), empty.
 */
export async function resetStore(store: Store): Promise<void> {
  const stop = new AbortController();
  await together(containerIds(store), { limit: AT_ONCE, stop }, (id) => endContainer(store, id));
  await endMonitors(store);
  await tolerate(() => endNetworks(store));
  const { root, runtime } = store;
  unmountBelow([root, runtime]);
  for (const directory of [root, runtime]) empty(directory, directory === runtime ? ['holder', 'holder.lock'] : []);
  const holder = readText(join(runtime, 'holder'));
  for (const name of ['holder', 'holder.lock']) removeTree(join(runtime, name));
  for (const directory of [root, runtime]) removeEmpty(directory);
  // Last: this command lives in the namespaces that it keeps, which end with us.
  await endProcess(holder);
}

/** One that can't be removed as it should (its record is lost) loses its files with the store. */
async function endContainer(store: Store, id: string): Promise<void> {
  await tolerate(() => removeContainer(store, id, { force: true, volumes: true }));
}

async function tolerate(act: () => Promise<unknown>): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (!(error instanceof WherryError)) throw error;
  }
}

/** The monitors that are left are those of containers that could not be removed. */
async function endMonitors({ runtime }: Store): Promise<void> {
  const folder = join(runtime, 'monitors');
  for (const name of existsSync(folder) ? readdirSync(folder) : []) await endProcess(readText(join(folder, name)));
}

/** `pid start` */
async function endProcess(text: string | undefined): Promise<void> {
  const [pid = 0, start = 0] = (text ?? '').trim().split(' ').map(Number);
  if (pid > 0 && start > 0) await signalProcess(pid, start, SIGKILL);
}

/**
 * What was mounted last goes first; what lies below another, at the next round. A volume may be a directory of the host's,
 * mounted: nothing is removed while something is still mounted. Throws kind `conflict` then.
 */
function unmountBelow(directories: readonly string[]): void {
  const mounted = () =>
    [...mountPoints()].filter((point) => directories.some((directory) => point.startsWith(`${directory}/`)));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const point of mounted().toReversed()) {
      try {
        umount(point, { lazy: true });
      } catch (error) {
        if (!hasCode(error, 'EINVAL', 'ENOENT', 'EPERM')) throw error;
      }
    }
  }
  const [left] = mounted();
  if (left === undefined) return;
  throw new WherryError('conflict', `Cannot remove the store: ${JSON.stringify(left)} is still mounted`, {
    hint: 'Unmount it (`wherry unshare umount`), and try again',
  });
}

function empty(directory: string, but: readonly string[]): void {
  for (const name of existsSync(directory) ? readdirSync(directory) : []) {
    if (!but.includes(name)) removeTree(join(directory, name));
  }
}

function removeEmpty(directory: string): void {
  try {
    removeTree(directory);
  } catch (error) {
    if (!hasCode(error, 'EBUSY', 'EACCES', 'EPERM', 'EROFS')) throw error;
  }
}
