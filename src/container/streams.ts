/**
 * Which of the command's own streams a process in a container may get as they are, without a copy in between. The
 * monitor knows by itself; this is for an exec without one.
 *
 * A runtime gives the standard streams to the container's user: it changes their owner (crun 1.8: any regular file's;
 * `run -u 1000 image cat < ~/letter` would give the letter away). And a program that opens /dev/stdout again can't do
 * so with a socket, and takes a terminal for its own. So only those pass for which this changes nothing.
 */
import { fstatSync, readlinkSync } from 'node:fs';

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
  // A pipe with a name is a file with an owner; one that another user made could not be opened again.
  if (stat.isFIFO()) return stat.uid === 0 && (root || readlinkSync(`/proc/self/fd/${fd}`).startsWith('pipe:'));
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

/** May the wanted ones of this command's streams all be handed over? user: whom the process runs as. */
export function mayHandOverAll(wanted: Streams, user: string): boolean {
  const root = /^(0(:0)?)?$/.test(user);
  return [wanted.stdin, wanted.stdout, wanted.stderr].every((is, fd) => !is || mayHandOver(fd, { root }));
}

/** The wanted ones of our own as a program's descriptors 0, 1 and 2. */
export function stdioOf({ stdin, stdout, stderr }: Streams): (number | 'ignore')[] {
  return [stdin, stdout, stderr].map((wanted, fd) => (wanted ? fd : 'ignore'));
}

export const NO_STREAMS: Streams = { stdin: false, stdout: false, stderr: false };

/**
 * Which of the wanted streams the monitor gets from this command: all but those of a terminal, which needs a client of
 * its socket. What may not be handed over to the container the monitor copies.
 */
export function directStreams(wanted: Streams, { terminal }: { terminal: boolean }): Streams {
  return terminal ? NO_STREAMS : wanted;
}

/** --preserve-fds: so many of our own descriptors, from the first that is no standard stream on. */
export const extraDescriptors = (count = 0): number[] => Array.from({ length: count }, (_, index) => index + 3);
