/** --since and --until of events. */
import { WherryError } from '#base/error.ts';
import { parseTimestamp, type Timestamp } from '#base/units.ts';

/** What lies between the two; '' is no bound. Throws kind `invalid`, and `unavailable` where the order is wrong. */
export function readPeriod(
  since: string,
  until: string,
): { since: Timestamp | undefined; until: Timestamp | undefined } {
  const [first, last] = [since, until].map((value) => (value === '' ? undefined : moment(value)));
  checkOrder(first, last);
  return { since: first?.time, until: last?.time };
}

/** A point in time, and as Docker's client sends it to its daemon, which shows it in an error. */
interface Moment {
  time: Timestamp;
  sent: string;
}

/** Throws kind `invalid`. Of a duration Docker counts whole seconds. */
function moment(value: string): Moment {
  const time = parseTimestamp(value);
  if (/^\d+(\.\d+)?$/.test(value)) return { time, sent: value };
  if (/^\d{4}-/.test(value)) return { time, sent: `${time.seconds}.${String(time.nanos).padStart(9, '0')}` };
  return { time: { seconds: time.seconds, nanos: 0 }, sent: String(time.seconds) };
}

function checkOrder(first: Moment | undefined, last: Moment | undefined): void {
  if (first === undefined || last === undefined) return;
  const order = last.time.seconds - first.time.seconds || last.time.nanos - first.time.nanos;
  if (order >= 0) return;
  const message = `\`since\` time (${first.sent}) cannot be after \`until\` time (${last.sent})`;
  throw new WherryError('unavailable', message);
}
