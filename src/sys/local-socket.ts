/**
 * Local stream sockets (unix(7)) as plain descriptors: connected, written to and once read from before Node has loaded its
 * network, which takes 4 ms. Who goes on to wait hands the descriptor to a `Socket`.
 */
import { closeSync, readSync } from 'node:fs';
import { hasCode } from '#base/error.ts';
import { call } from '#sys/ffi.ts';

const AF_UNIX = 1;
const STREAM = 1;
const NONBLOCK_CLOEXEC = 0o2004000;
const POLLIN = 1;

/** Connects and gives the descriptor, which doesn't block. Throws the system's error, as ECONNREFUSED where nobody listens. */
export function connectLocal(path: string): number {
  const address = Buffer.alloc(110);
  const room = address.length - 3;
  if (Buffer.byteLength(path) > room) throw new RangeError(`The path of a socket has at most ${room} bytes: ${path}`);
  address.writeUInt16LE(AF_UNIX);
  address.write(path, 2);
  const fd = call('socket', path, AF_UNIX, STREAM | NONBLOCK_CLOEXEC, 0);
  try {
    call('connect', path, fd, address, address.length);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** What comes within so many milliseconds, during which nothing else is done; empty: the other side has gone. */
export function readSoon(fd: number, milliseconds: number): Buffer | undefined {
  const wanted = Buffer.alloc(8);
  wanted.writeInt32LE(fd);
  wanted.writeInt16LE(POLLIN, 4);
  const chunk = Buffer.alloc(4096);
  try {
    if (call('poll', `fd ${fd}`, wanted, 1, milliseconds) === 0) return undefined;
    return chunk.subarray(0, readSync(fd, chunk));
  } catch (error) {
    if (hasCode(error, 'EINTR', 'EAGAIN')) return undefined;
    if (hasCode(error, 'ECONNRESET')) return Buffer.alloc(0);
    throw error;
  }
}
