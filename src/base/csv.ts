/** Flags with several fields in one value. */
import { WherryError } from '#base/error.ts';

/** One record of RFC 4180: a field in double quotes may hold commas, a doubled quote is one. */
export function csv(line: string): string[] {
  const fields: string[] = [];
  const pattern = /(?:^|,)(?:"((?:[^"]|"")*)"|([^",]*))/gy;
  let end = 0;
  for (let match = pattern.exec(line); match !== null; match = pattern.exec(line)) {
    fields.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
    end = pattern.lastIndex;
    if (end === line.length) return fields;
  }
  throw new WherryError('invalid', `parse error on line 1, column ${end + 1}: bare " in non-quoted-field`);
}
