/** New user namespaces below ours, with maps of ours, pinned on files (user_namespaces(7)). */
import { closeSync, mkdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { hasCode, WherryError } from '#base/error.ts';
import { MS, mount } from '#sys/ffi.ts';
import { needTool } from '#sys/host.ts';
import { releaseNamespace } from '#sys/netns.ts';
import { ended, socketPair, spawn } from '#sys/spawn.ts';
import type { IdRange } from '#sys/userns.ts';

/** A process that keeps new namespaces until they are bound elsewhere; it ends with us. */
export interface Keeper extends AsyncDisposable {
  /** /proc/PID/ns */
  readonly namespaces: string;
}

export interface Maps {
  uids: readonly IdRange[];
  gids: readonly IdRange[];
}

/** Milliseconds until unshare(1) has certainly done what it does. */
const PATIENCE = 10_000;

/**
 * Makes a user namespace with these ids of ours, and with `network` a network namespace that belongs to it.
 * Throws kind `unsupported` where the kernel allows no more of them, `denied` for maps that it refuses.
 */
export async function makeNamespaces(maps: Maps, { network }: { network: boolean }): Promise<Keeper> {
  const unshare = needTool('unshare', 'util-linux');
  const keeper = await keep([unshare, '--user', ...(network ? ['--net'] : []), '--'], 'user');
  try {
    writeMaps(keeper.namespaces, maps);
    return keeper;
  } catch (error) {
    await keeper[Symbol.asyncDispose]();
    throw error;
  }
}

/** Makes a network namespace that belongs to a user namespace, given by its path; by its root, who alone may do so. */
export function makeNetworkIn(userns: string): Promise<Keeper> {
  const enter = [needTool('nsenter', 'util-linux'), `--user=${userns}`, '--'];
  return keep([...enter, needTool('unshare', 'util-linux'), '--net', '--'], 'net');
}

/** Runs a program that ends with us behind what makes its namespaces; resolves when it has this one. */
async function keep([program = '', ...args]: readonly string[], type: 'user' | 'net'): Promise<Keeper> {
  const [ours, its] = socketPair();
  let pid: number;
  try {
    // cat ends when the other end of its input is closed, whatever becomes of us.
    pid = spawn(program, [...args, needTool('cat', 'coreutils')], { stdio: [its, 'ignore', 'ignore'] });
  } finally {
    closeSync(its);
  }
  const over = ended(pid);
  let status: number | undefined;
  void over.then((value) => {
    status = value;
  });
  const keeper = {
    namespaces: `/proc/${pid}/ns`,
    [Symbol.asyncDispose]: async () => {
      closeSync(ours);
      await over;
    },
  };
  try {
    await untilUnshared(`/proc/${pid}/ns/${type}`, `/proc/self/ns/${type}`, () => status !== undefined);
    return keeper;
  } catch (error) {
    await keeper[Symbol.asyncDispose]();
    throw error;
  }
}

async function untilUnshared(path: string, ourPath: string, isOver: () => boolean): Promise<void> {
  const own = readlinkSync(ourPath);
  for (const deadline = Date.now() + PATIENCE; Date.now() < deadline && !isOver(); ) {
    try {
      if (readlinkSync(path) !== own) return;
    } catch (error) {
      if (!hasCode(error, 'ENOENT', 'EACCES', 'ESRCH')) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  throw new WherryError('unsupported', 'Cannot make a user namespace for the container: the kernel refuses it', {
    hint: 'Look at the limits in /proc/sys/user/max_user_namespaces and max_net_namespaces',
  });
}

function writeMaps(namespaces: string, { uids, gids }: Maps): void {
  const text = (ranges: readonly IdRange[]) =>
    ranges.map(({ inside, outside, count }) => `${inside} ${outside} ${count}\n`).join('');
  try {
    writeFileSync(join(namespaces, '../uid_map'), text(uids));
    writeFileSync(join(namespaces, '../gid_map'), text(gids));
  } catch (cause) {
    if (!hasCode(cause, 'EPERM', 'EINVAL')) throw cause;
    throw new WherryError('denied', 'Cannot give the container these ids: the kernel refuses the map', {
      hint: 'Ids may neither overlap nor be in more than 340 pieces',
      cause,
    });
  }
}

/** Binds a namespace on this file, where it stays until releaseNamespace(). */
export async function pinNamespace(namespace: string, path: string): Promise<void> {
  await releaseNamespace(path);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(path, '', { mode: 0o600 });
  mount(namespace, path, '', MS.BIND, null);
}
