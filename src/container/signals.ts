/** Signals by name and number as Docker reads them (github.com/moby/sys/signal). Pure. */
import { constants } from 'node:os';
import { WherryError } from '#base/error.ts';

const RTMIN = 34;
const RTMAX = 64;
/** Docker names the fifteen signals above the first real-time one and the fourteen below the last; the other two have numbers only. */
const NAMED = { IN: 15, AX: 14 };

/** The number of `TERM`, `SIGTERM`, `sigterm`, `15`, `RTMIN+3`. Throws kind `unavailable` in Docker's words. */
export function parseSignal(text: string): number {
  const number = /^[+-]?\d+$/.test(text) ? Number(text) : byName(text.toUpperCase().replace(/^SIG/, ''));
  if (number === 0) throw new WherryError('unavailable', `invalid signal: ${text}`.trimEnd());
  if (number < 0 || number > RTMAX) {
    throw new WherryError('unavailable', `the linux daemon does not support signal ${text}`);
  }
  return number;
}

function byName(name: string): number {
  if (name === 'CLD') return constants.signals.SIGCHLD;
  const realTime = /^RTM(IN|AX)(?:([+-])([1-9]\d?))?$/.exec(name);
  if (realTime === null) return constants.signals[`SIG${name}` as NodeJS.Signals] ?? 0;
  const [, end, sign, distance = '0'] = realTime;
  if (sign !== undefined && (sign === '+') !== (end === 'IN')) return 0;
  if (Number(distance) > NAMED[end as keyof typeof NAMED]) return 0;
  return end === 'IN' ? RTMIN + Number(distance) : RTMAX - Number(distance);
}
