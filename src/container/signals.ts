/** Signals by name and number as Docker reads them (github.com/moby/sys/signal). Pure. */
import { constants } from 'node:os';
import { WherryError } from '#base/error.ts';

const RTMIN = 34;
const RTMAX = 64;

/** The number of `TERM`, `SIGTERM`, `sigterm`, `15`, `RTMIN+3`. Throws kind `unavailable` in Docker's words. */
export function parseSignal(text: string): number {
  const number = /^[+-]?\d+$/.test(text) ? Number(text) : byName(text.toUpperCase().replace(/^SIG/, ''));
  if (number === 0) throw new WherryError('unavailable', `invalid signal: ${text}`);
  if (number < 0 || number > RTMAX) {
    throw new WherryError('unavailable', `the linux daemon does not support signal ${text}`);
  }
  return number;
}

function byName(name: string): number {
  const realTime = /^RTM(IN|AX)(?:([+-])(\d{1,2}))?$/.exec(name);
  if (realTime === null) return constants.signals[`SIG${name}` as NodeJS.Signals] ?? 0;
  const [, end, sign, distance = '0'] = realTime;
  if (sign !== undefined && (sign === '+') !== (end === 'IN')) return 0;
  const number = end === 'IN' ? RTMIN + Number(distance) : RTMAX - Number(distance);
  return number >= RTMIN && number <= RTMAX ? number : 0;
}
