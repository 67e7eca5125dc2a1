/** A fresh volume starts with what the image has at its place, as Docker does. */
import { existsSync, lstatSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { WherryError } from '#base/error.ts';
import { lock } from '#sys/file.ts';
import { run } from '#sys/process.ts';

/** Beside a volume's content while that is being copied: where it stands, a copy was cut off. */
const markOf = (data: string) => join(dirname(data), 'filling');

export interface CopyUpOptions {
  /** Made for one container alone; Docker words its refusal otherwise. */
  anonymous?: boolean;
}

/**
 * Copies the content of an image's directory, its ownership, modes, times and attributes, into an empty volume.
 * source: a directory that is resolved inside the container's root already; absent: nothing to do. Of two at once one
 * copies. Throws kind `conflict` where a file is in the way, `unavailable` where it can't be copied.
 */
export async function copyUp(source: string, data: string, { anonymous }: CopyUpOptions = {}): Promise<void> {
  const stat = lstatSync(source, { throwIfNoEntry: false });
  if (stat !== undefined && !stat.isDirectory()) {
    const why = `cannot mount volume over existing file, file exists ${source}`;
    throw new WherryError('conflict', anonymous ? why : `source ${source} is not directory`);
  }
  if (stat === undefined || readdirSync(data).length > 0) return;
  using _held = await lock(dirname(data));
  if (readdirSync(data).length > 0) return;
  writeFileSync(markOf(data), '');
  const done = await run('cp', ['-a', '--reflink=auto', `${source}/.`, data]);
  if (done.status !== 0) {
    await clear(data);
    throw new WherryError('unavailable', `Cannot fill the volume at "${data}": ${reason(done.stderr)}`);
  }
  rmSync(markOf(data));
}

/** Takes out what a copy that was cut off has left in a volume. Every start calls it before the volume is used. */
export async function emptyIfCutOff(data: string): Promise<void> {
  if (!existsSync(markOf(data))) return;
  using _held = await lock(dirname(data));
  if (existsSync(markOf(data))) await clear(data);
}

/** The directory itself stays: containers may have it. */
async function clear(data: string): Promise<void> {
  const done = await run('find', [data, '-mindepth', '1', '-delete']);
  if (done.status !== 0) {
    throw new WherryError('unavailable', `Cannot empty the volume at "${data}": ${reason(done.stderr)}`);
  }
  rmSync(markOf(data), { force: true });
}

const reason = (stderr: string): string => stderr.trim().split('\n')[0] ?? '';
