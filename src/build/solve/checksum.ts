/** What files are, without their times: two sources with the same sum give the same copy. */
import { closeSync, openSync, readSync } from 'node:fs';
import { type Filter, type Item, type Matched, type Source, walk } from '#build/solve/source.ts';
import { linkOf } from '#build/solve/tree.ts';
import { attributesOf } from '#store/attributes.ts';
import { raw } from '#store/tree.ts';
import type { Found } from '#store/union.ts';

/** The sum of some files and of all that is in those that are directories. */
export async function sumOf(source: Source, matched: readonly Matched[], pick?: Filter): Promise<string> {
  const { createHash } = await import('node:crypto');
  const hash = createHash('sha256');
  for (const { path, name, found } of matched) {
    hash.update(`${name}\0${describe(source, path, found)}\n`);
    if (!found.stat.isDirectory()) continue;
    for (const item of walk(source, path, pick)) hash.update(`${item.path}\0${describeItem(source, item)}\n`);
  }
  return hash.digest('hex');
}

const describeItem = (source: Source, { from, found }: Item) => describe(source, from, found);

function describe(source: Source, path: string, found: Found): string {
  const { mode, uid, gid } = found.stat;
  return [mode, uid, gid, contentOf(source, path, found)].join('\0');
}

function contentOf(source: Source, path: string, found: Found): string {
  const { stat } = found;
  if (stat.isFile()) return source.digest(path, found);
  if (stat.isSymbolicLink()) return linkOf(found);
  return stat.isDirectory() || stat.isSocket() ? '' : String(stat.rdev);
}

const BUFFER = 1024 * 1024;
let buffer: Buffer | undefined;

/** Of a file's bytes, and of its attributes where it has some. */
export function digestFile({ at }: Found): string {
  const { createHash } = process.getBuiltinModule('node:crypto');
  buffer ??= Buffer.allocUnsafe(BUFFER);
  const hash = createHash('sha256');
  const fd = openSync(raw(at), 'r');
  try {
    for (let count = readSync(fd, buffer); count > 0; count = readSync(fd, buffer))
      hash.update(buffer.subarray(0, count));
  } finally {
    closeSync(fd);
  }
  return `${hash.digest('hex')}${attributesText(at)}`;
}

function attributesText(at: string): string {
  const attributes = attributesOf(at);
  return attributes.length === 0 ? '' : ` ${Buffer.from(JSON.stringify(attributes)).toString('base64')}`;
}
