/** What Node's raw mode leaves of a terminal's own doings. */
import { hasCode } from '#base/error.ts';
import { getTermios, setTermios } from '#sys/ffi.ts';

/** termios(3): output is processed, which turns a line feed into two characters. */
const OPOST = 1;
/** c_oflag stands behind c_iflag. */
const OUTPUT_FLAGS = 4;

/**
 * Has a terminal that is raw already write each byte as it is: the container's terminal has turned line feeds into
 * what they must be. Node's way back from raw mode puts the terminal's whole former state back, this too.
 */
export function passOutput(fd: number): void {
  try {
    const termios = getTermios(fd);
    termios.writeUInt32LE((termios.readUInt32LE(OUTPUT_FLAGS) & ~OPOST) >>> 0, OUTPUT_FLAGS);
    setTermios(fd, termios);
  } catch (error) {
    if (!hasCode(error, 'ENOTTY', 'EIO')) throw error;
  }
}
