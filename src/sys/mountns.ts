/** A mount namespace beside ours, that nobody else sees and that goes with us, however we end. */
import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { CLONE, fchdir, MS, mount, openat2, pivotHere, setMountNamespace, umount, unshare } from '#sys/ffi.ts';
import { O_PATH } from '#sys/rooted.ts';

/** A tree that is mounted there, reached by its root's descriptor: openInRoot(), and paths below /proc/self/fd. */
export interface Aside extends Disposable {
  readonly root: number;
}

/** What is done in the new namespace. mounts: those that it has, as a text of proc_pid_mountinfo(5). */
export type Build = (mounts: () => string) => Promise<string | undefined> | string | undefined;

/**
 * Makes a namespace as a copy of another (by itself our own), lets `build` mount in it, and comes back. What `build`
 * gives becomes its root, and all else is unmounted there; undefined leaves the root as it is.
 * from: as /proc/PID/ns/mnt. Meanwhile the paths of this thread are those of that namespace. Throws the system's error.
 */
export async function mountAside(build: Build, from?: string): Promise<Aside> {
  const held: number[] = [];
  const hold = (fd: number) => {
    held.push(fd);
    return fd;
  };
  const release = (fds: number[]) => {
    for (const fd of fds.splice(0)) closeSync(fd);
  };
  const aside: number[] = [];
  try {
    const home = hold(openSync('/proc/thread-self/ns/mnt', 'r'));
    const directory = hold(openSync('.', O_PATH | constants.O_DIRECTORY));
    // In there, /proc may be another, or none.
    const proc = hold(openSync('/proc', O_PATH | constants.O_DIRECTORY));
    const own = (name: string) => openat2(proc, `thread-self/${name}`, constants.O_RDONLY, 0);
    const other = from === undefined ? undefined : hold(openSync(from, 'r'));
    unshare(CLONE.FS);
    if (other !== undefined) setMountNamespace(other);
    try {
      unshare(CLONE.NEWNS);
      mount('none', '/', null, MS.REC | MS.PRIVATE, null);
      // As long as this is open the namespace stays, and what is mounted in it.
      aside.push(own('ns/mnt'));
      const built = build(() => readWhole(own('mountinfo')));
      // Where nothing is to be waited for, nobody else of this process may have a turn: its paths would be those of in there.
      const root = built instanceof Promise ? await built : built;
      if (root !== undefined) makeRoot(root);
      const fd = openSync('/', O_PATH | constants.O_DIRECTORY);
      aside.push(fd);
      return { root: fd, [Symbol.dispose]: () => release(aside) };
    } finally {
      setMountNamespace(home);
      fchdir(directory);
    }
  } catch (error) {
    release(aside);
    throw error;
  } finally {
    release(held);
  }
}

function readWhole(fd: number): string {
  try {
    return readFileSync(fd, 'utf8');
  } finally {
    closeSync(fd);
  }
}

function makeRoot(path: string): void {
  process.chdir(path);
  pivotHere();
  umount('.', { lazy: true });
  process.chdir('/');
}
