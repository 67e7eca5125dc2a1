/** Random digits from the kernel itself (urandom(4)): `node:crypto` costs 6 ms to load. */
import { closeSync, openSync, readSync } from 'node:fs';

/** This many random bytes as hexadecimal digits, two each. */
export function randomHex(bytes: number): string {
  const buffer = Buffer.alloc(bytes);
  const urandom = openSync('/dev/urandom', 'r');
  try {
    readSync(urandom, buffer);
  } finally {
    closeSync(urandom);
  }
  return buffer.toString('hex');
}
