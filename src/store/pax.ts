/** PAX extended headers (pax(1), "Extended Header"): records of `LENGTH KEY=VALUE\n`, where LENGTH counts all of it. */
import { WherryError } from '#base/error.ts';

export type Pax = Record<string, string>;

/**
 * Reads the records as bytes (latin1): values may be binary. An empty value takes the key back.
 * Throws kind `corrupt` for what is malformed.
 */
export function readPax(bytes: Buffer): Pax {
  const records: Pax = Object.create(null);
  const text = bytes.toString('latin1');
  for (let at = 0; at < text.length; ) {
    const space = text.indexOf(' ', at);
    const digits = text.slice(at, space === -1 ? at : space);
    const end = at + Number(digits);
    const equals = text.indexOf('=', space);
    if (!/^\d{1,7}$/.test(digits) || end > text.length || text[end - 1] !== '\n' || equals === -1 || equals >= end) {
      throw malformed();
    }
    const key = text.slice(space + 1, equals);
    const value = text.slice(equals + 1, end - 1);
    // No name can hold a NUL byte, and whoever writes one wants it to be read as another name.
    if (key === '' || key.includes('\0') || (value.includes('\0') && !key.startsWith('SCHILY.xattr.')))
      throw malformed();
    if (value === '' && !key.startsWith('SCHILY.xattr.')) delete records[key];
    else records[key] = value;
    at = end;
  }
  return records;
}

const malformed = () => new WherryError('corrupt', 'the archive has a malformed extended header');

/** Writes records, sorted by key. Values are strings of one character a byte. */
export function paxRecords(records: Pax): Buffer {
  const keys = Object.keys(records).sort();
  return Buffer.from(keys.map((key) => record(key, records[key] ?? '')).join(''), 'latin1');
}

function record(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  let digits = 1;
  while (String(rest.length + digits).length > digits) digits += 1;
  return `${rest.length + digits}${rest}`;
}
