/** Times in compose files: read as go-yaml reads them, and written as Go does. */

/** What YAML makes of a bare 2024-01-01: no text, so that no attribute takes it; only extensions may hold one. */
export class Timestamp {
  /** In milliseconds, of a clock at this offset: what the file shows. */
  readonly #local: number;
  /** The digits behind the second, without a period and zeros at the end. */
  readonly #fraction: string;
  /** `+02:00`, or `Z`. */
  readonly #zone: string;
  constructor(local: number, fraction: string, zone: string) {
    this.#local = local;
    this.#fraction = fraction.slice(0, 9).replace(/0+$/, '');
    this.#zone = /^[-+]00:00$/.test(zone) ? 'Z' : zone;
  }
  #seconds(): string {
    return new Date(this.#local).toISOString().slice(0, 19) + (this.#fraction === '' ? '' : `.${this.#fraction}`);
  }
  /** As RFC 3339. */
  toJSON(): string {
    return this.#seconds() + this.#zone;
  }
  /** fmt.Sprint. */
  toString(): string {
    const zone = this.#zone.replace(':', '');
    return `${this.#seconds().replace('T', ' ')} ${zone === 'Z' ? '+0000 UTC' : `${zone} ${zone}`}`;
  }
}

const DATE = /^(\d{4})-(\d\d?)-(\d\d?)(?:[Tt ](\d\d?):(\d\d?):(\d\d?)(?:\.(\d+))?(Z|[-+]\d\d:\d\d)?)?$/;

/** A time as go-yaml's: a date, with a time of day after a blank, or after a T and then with its zone; undefined for other words. */
export function readTimestamp(word: string): Timestamp | undefined {
  const [match, ...parts] = DATE.exec(word) ?? [];
  if (match === undefined) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts
    .slice(0, 6)
    .map((part) => Number(part ?? 0));
  const [fraction = '', zone] = parts.slice(6);
  if (/[Tt]/.test(match) !== (zone !== undefined)) return undefined;
  const local = new Date(0);
  local.setUTCFullYear(year, month - 1, day);
  if (local.getUTCMonth() !== month - 1 || local.getUTCDate() !== day) return undefined;
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  return new Timestamp(local.setUTCHours(hour, minute, second), fraction, zone ?? 'Z');
}
