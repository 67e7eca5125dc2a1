/** Removes what killed commands left in tmp/ and staged beside their files. Cheap: a few readdir(3) where nothing is. */
import { existsSync, lstatSync, readdirSync } from 'node:fs';
import { basename } from 'node:path';
import type { Store } from '#store/store.ts';
import { removeTree, tryLock } from '#sys/file.ts';

const MINUTE = 60_000;

/** How long a thing stays after its process, in milliseconds. Others than these: ten minutes. */
const GRACE: Partial<Record<string, number>> = {
  // Held by flock for as long as they are filled (staging.ts).
  blob: 0,
  layer: 0,
  hold: 0,
  container: 0,
  context: 0,
  step: 0,
  // Held by the lock of the container that it was.
  erased: 0,
  // Somebody is about to remove it: two at it are only in each other's way.
  gone: MINUTE,
};

/** For so long a pid in a name is believed; then it may be another's. What has a lock needs no pid. */
const TRUST = { locked: 10 * MINUTE, other: 24 * 60 * MINUTE };

/**
 * Removes what no living process works on. What can't be removed now is left for the next time.
 */
export async function sweep(store: Store): Promise<void> {
  for (const path of leftovers(store)) await removeUnheld(path);
}

/**
 * What killed commands left, as far as it can be told without locks. Names begin with a kind and a pid, `layer-4711-…`.
 * The pid only saves work where it lives; whether a blob or a layer is being made is told by its lock alone, which also
 * a process in another pid namespace holds. Other kinds have no lock, and stay for some minutes.
 */
function leftovers(store: Store): string[] {
  const now = Date.now();
  const staged = readdirSync(store.path('tmp')).filter((name) => {
    // The clock of files is finer than Date's: what was made this very millisecond is not younger than nothing.
    const age = Math.max(0, now - (lstatSync(store.path('tmp', name), { throwIfNoEntry: false })?.ctimeMs ?? now));
    const [, kind = '', pid] = /^([a-z]+)-(?:(\d+)-)?/.exec(name) ?? [];
    const trust = GRACE[kind] === 0 ? TRUST.locked : TRUST.other;
    if (pid !== undefined && age < trust && existsSync(`/proc/${pid}`)) return false;
    return age >= (GRACE[kind] ?? 10 * MINUTE);
  });
  return [
    ...staged.map((name) => store.path('tmp', name)),
    ...STAGED_BESIDE.flatMap((folder) => besides(store, folder)),
  ];
}

/** leftovers() that nobody holds: what sweep() would remove. */
export async function unheldLeftovers(store: Store): Promise<string[]> {
  const found: string[] = [];
  for (const path of leftovers(store)) if (await isUnheld(path)) found.push(path);
  return found;
}

/** Where files are staged beside their place (replace() and reserve() of sys/file.ts). */
const STAGED_BESIDE = ['.', 'names', 'networks'];

/** `web.4711.1.tmp`: written in an instant, so of no use to anybody once its process has ended. */
function besides(store: Store, folder: string): string[] {
  return readdirSync(store.path(folder))
    .filter((name) => {
      const pid = /\.(\d+)\.\d+\.tmp$/.exec(name)?.[1];
      return pid !== undefined && !existsSync(`/proc/${pid}`);
    })
    .map((name) => store.path(folder, name));
}

async function removeUnheld(path: string): Promise<void> {
  await unlessHeld(path, async () => {
    // A step of a build has its root mounted there.
    if (basename(path).startsWith('step-')) await unmountBelow(path);
    removeTree(path);
  });
}

/** The deepest first. */
async function unmountBelow(path: string): Promise<void> {
  const { mountPoints } = await import('#sys/mountinfo.ts');
  const { unmountTree } = await import('#sys/overlay.ts');
  const points = [...mountPoints()].filter((point) => point.startsWith(`${path}/`));
  for (const point of points.sort((one, other) => other.length - one.length)) unmountTree(point);
}

async function isUnheld(path: string): Promise<boolean> {
  let isFree = false;
  await unlessHeld(path, () => {
    isFree = true;
  });
  return isFree;
}

async function unlessHeld(path: string, action: () => void | Promise<void>): Promise<void> {
  try {
    using held = await tryLock(path);
    if (held !== undefined) await action();
  } catch (error) {
    // Gone meanwhile, still written to by a child that is just ending, held by a mount, or of an id that is no longer
    // mapped: whatever the system says, no command fails because of what an earlier one left.
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
  }
}
