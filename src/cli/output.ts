/** Standard output and error, written to at once: a stream object costs milliseconds that most commands don't need. */
import { fstatSync, writeSync } from 'node:fs';
import { reasonOf } from '#base/errno.ts';
import { hasCode, WherryError } from '#base/error.ts';
import type { Output } from '#cli/command.ts';

/** Device number of /dev/null: the character device that a stream is most often, and never a terminal. */
const NULL_DEVICE = 0x103;

/** Is this descriptor a terminal? */
export function isTerminal(fd: number): boolean {
  const status = fstatSync(fd, { throwIfNoEntry: false });
  if (!status?.isCharacterDevice() || status.rdev === NULL_DEVICE) return false;
  return process.getBuiltinModule('node:tty').isatty(fd);
}

/** What a command writes to. A write is complete when it returns; EPIPE is thrown. */
export function openOutput(fd: 1 | 2): Output {
  const write = (data: string | Uint8Array) => writeWhole(fd, typeof data === 'string' ? Buffer.from(data) : data);
  return {
    get isTerminal() {
      return isTerminal(fd);
    },
    get columns() {
      if (!isTerminal(fd)) return 80;
      return (fd === 1 ? process.stdout : process.stderr).columns || 80;
    },
    write,
    line: (text) => write(`${text}\n`),
  };
}

let written = 0;

/** How much this process has written to both by now. */
export const bytesWritten = (): number => written;

const clock = new Int32Array(new SharedArrayBuffer(4));

const failed = (fd: 1 | 2, error: unknown) => `write /dev/${fd === 1 ? 'stdout' : 'stderr'}: ${reasonOf(error)}`;

function writeWhole(fd: 1 | 2, data: Uint8Array): void {
  written += data.length;
  for (let done = 0; done < data.length; ) {
    try {
      done += writeSync(fd, data, done);
    } catch (error) {
      if (hasCode(error, 'ENOSPC', 'EDQUOT', 'EFBIG', 'EIO')) throw new WherryError('invalid', failed(fd, error));
      // Somebody set the pipe or terminal to non-blocking; its reader needs a moment.
      if (!hasCode(error, 'EAGAIN')) throw error;
      Atomics.wait(clock, 0, 0, 2);
    }
  }
}
