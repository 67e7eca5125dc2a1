/** --since, --until and --tail of logs. */
import { WherryError } from '#base/error.ts';
import { given } from '#base/given.ts';
import { parseTimestamp } from '#base/units.ts';
import type { LogOptions } from '#container/logs.ts';

export interface LogWish {
  since: string | undefined;
  until: string | undefined;
  tail: string;
}

/** Throws kind `invalid` for a time that is none. */
export function readLogWish({ since, until, tail }: LogWish): Pick<LogOptions, 'since' | 'until' | 'tail'> {
  return given({
    since: moment('since', since),
    // Docker takes this for no bound.
    until: until === '0' ? undefined : moment('until', until),
    // Anything that is no number means all, as with Docker.
    tail: /^\+?\d+$/.test(tail) ? Number(tail) : undefined,
  });
}

/** The first and last second that a log's text has digits for. */
const BOUNDS = [-62_135_596_800_000, Date.UTC(9999, 11, 31, 23, 59, 59)].map((time) => time / 1000);

/** As the log has its times, so that they compare as text. */
function moment(flag: string, value: string | undefined): string | undefined {
  if (value === undefined || value === '') return undefined;
  try {
    const { seconds, nanos } = parseTimestamp(value);
    const [first = 0, last = 0] = BOUNDS;
    const bounded = Math.min(Math.max(seconds, first), last);
    return `${new Date(bounded * 1000).toISOString().slice(0, 19)}.${String(nanos).padStart(9, '0')}Z`;
  } catch (error) {
    if (!(error instanceof WherryError)) throw error;
    throw new WherryError('invalid', `invalid value for "${flag}": ${error.message}`, { cause: error });
  }
}
