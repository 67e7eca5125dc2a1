/**
 * crun guards its program from the containers that it starts (CVE-2019-5736): at each call it makes a read-only mount of
 * itself and starts anew from there, unless it finds itself on one that its caller vouches for. One such mount that
 * stays saves half of what crun needs to get going, 1.4 of 2.7 ms. It lives in the mount namespace of the user's holder,
 * so the host sees nothing of it.
 */
import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Runtime } from '#oci/runtime.ts';
import { MS, mount, umount } from '#sys/ffi.ts';

export interface GuardedRuntime extends Runtime {
  /** What its environment has to say beside all else. */
  env: Record<string, string>;
}

/** crun believes this only where it sees that its file system is read-only (crun, src/libcrun/cloned_binary.c). */
const VOUCH = { _LIBCONTAINER_CLONED_BINARY: '1' };

/**
 * The same runtime by its read-only mount, DIRECTORY/bin/crun, which is made where it is not there or has an older program
 * in it. Any other runtime than crun, and crun where it can't or may not be mounted, comes back as it is and guards itself.
 * directory: undefined where nothing may be mounted
 */
export function guardRuntime(runtime: Runtime, directory: string | undefined): GuardedRuntime {
  const unguarded = { ...runtime, env: {} };
  if (runtime.kind !== 'crun' || directory === undefined) return unguarded;
  const path = join(directory, 'bin', 'crun');
  const isThere = isMounted(runtime.path, path) || mountReadOnly(runtime.path, path);
  return isThere ? { ...runtime, path, env: VOUCH } : unguarded;
}

/** A bind mount shows the file itself; after an update of the package the mount has the old one. */
function isMounted(program: string, target: string): boolean {
  const [one, other] = [statSync(program), statSync(target, { throwIfNoEntry: false })];
  return one.ino === other?.ino && one.dev === other.dev;
}

function mountReadOnly(program: string, target: string): boolean {
  try {
    if (!existsSync(dirname(target))) mkdirSync(dirname(target), { mode: 0o700 });
    if (existsSync(target)) unmountAll(target);
    else writeFileSync(target, '', { mode: 0o600 });
    mount(program, target, null, MS.BIND, null);
  } catch {
    return false;
  }
  try {
    // Flags that the host has on this mount can't be taken off, which would be refused; one more does no harm.
    mount('none', target, null, MS.REMOUNT | MS.BIND | MS.RDONLY | MS.NOSUID | MS.NODEV, null);
    return true;
  } catch {
    umount(target, { lazy: true });
    return false;
  }
}

/** Two commands that mounted at once have left two. */
function unmountAll(target: string): void {
  try {
    for (;;) umount(target, { lazy: true });
  } catch {
    // EINVAL: nothing is mounted there any more.
  }
}
