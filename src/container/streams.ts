/**
 * Which of the command's own streams a container may get as they are, without a copy in between. Pure but for fstat.
 *
 * A runtime gives the standard streams to the container's user: it changes their owner (crun 1.8: any regular file's;
 * `run -u 1000 image cat < ~/letter` would give the letter away). And a program that opens /dev/stdout again can't do
 * so with a socket, and takes a terminal for its own. So only those pass for which this changes nothing.
 */
import { fstatSync, readlinkSync } from 'node:fs';
import type { ContainerRecord } from '#container/record.ts';

/** Standard input, output, error. */
export interface Streams {
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
}

const NULL_DEVICE = 0x103;

/** May a container get this descriptor? root: its process is 0:0 inside of the namespace. */
export function mayHandOver(fd: number, { root }: { root: boolean }): boolean {
  const stat = fstatSync(fd);
  // A pipe with a name is a file with an owner.
  if (stat.isFIFO()) return readlinkSync(`/proc/self/fd/${fd}`).startsWith('pipe:') || (root && isRoots(stat));
  if (stat.isFile()) return root && isRoots(stat);
  if (stat.isCharacterDevice()) return stat.rdev === NULL_DEVICE || (root && !isTerminal(stat.rdev));
  return false;
}

const isRoots = (stat: { uid: number; gid: number }) => stat.uid === 0 && stat.gid === 0;

/** Majors of terminals: 4 consoles and serial lines, 5 /dev/tty and /dev/console, 136-143 pseudo terminals (devices.txt). */
function isTerminal(rdev: number): boolean {
  const major = (rdev >> 8) & 0xfff;
  return major === 4 || major === 5 || (major >= 136 && major <= 143);
}

/**
 * Of the wanted streams those that go straight to and from the container; the others need a client of the monitor's
 * socket. What is logged is copied by the monitor in any case, so its output may be of any kind.
 */
export function directStreams(
  wanted: Streams,
  { terminal, logged, user }: { terminal: boolean; logged: boolean; user: string },
): Streams {
  if (terminal) return { stdin: false, stdout: false, stderr: false };
  const root = /^(0(:0)?)?$/.test(user);
  return {
    stdin: wanted.stdin && mayHandOver(0, { root }),
    stdout: wanted.stdout && (logged || mayHandOver(1, { root })),
    stderr: wanted.stderr && (logged || mayHandOver(2, { root })),
  };
}

/** directStreams() for a container's first process. */
export function directStreamsOf(record: ContainerRecord, wanted: Streams): Streams {
  return directStreams(wanted, {
    terminal: record.config.Tty,
    logged: record.hostConfig.LogConfig.Type !== 'none',
    user: record.config.User,
  });
}
