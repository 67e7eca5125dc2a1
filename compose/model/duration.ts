/** Durations of compose files: Go's, and days and weeks as well. */
import { parseDuration } from '#base/units.ts';

const HOURS: Record<string, number> = { d: 24, w: 24 * 7 };

/** `1h30m`, `2d`, `1w12h`: nanoseconds (str2duration.ParseDuration). Throws kind `invalid` in Go's words. */
export function parseLongDuration(text: string): number {
  // Whole units only: what Go can't read either shall be refused with the text as it was written.
  const hours = text.replace(/(\d+(?:\.\d+)?)([dw])(?![a-z])/g, (_, number: string, unit: string) => {
    return `${Number(number) * (HOURS[unit] ?? 1)}h`;
  });
  return parseDuration(hours);
}
