/** A fresh volume starts with what the image has at its place, as Docker does. */
import { lstatSync, readdirSync } from 'node:fs';
import { WherryError } from '#base/error.ts';
import { run } from '#sys/process.ts';

/**
 * Copies the content of an image's directory, its ownership, modes, times and attributes, into an empty volume.
 * source: a directory that is resolved inside the container's root already; absent: nothing to do. Throws kind
 * `conflict` where a file is in the way.
 */
export async function copyUp(source: string, data: string): Promise<void> {
  const stat = lstatSync(source, { throwIfNoEntry: false });
  if (stat !== undefined && !stat.isDirectory()) {
    throw new WherryError('conflict', `cannot mount volume over existing file, file exists ${source}`);
  }
  if (stat === undefined || readdirSync(data).length > 0) return;
  const done = await run('cp', ['-a', '--reflink=auto', `${source}/.`, data]);
  if (done.status === 0) return;
  throw new WherryError('unavailable', `Cannot fill the volume at "${data}": ${done.stderr.trim().split('\n')[0]}`);
}
