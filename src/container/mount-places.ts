/** Looking round before a start, at what a container mounts: sources, places in its root, the host's propagation. */
import { existsSync, mkdirSync, readFileSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { MountPoint } from '#base/api.ts';
import { reasonOf } from '#base/errno.ts';
import { hasCode, WherryError } from '#base/error.ts';
import { resolveInRoot } from '#sys/rooted.ts';

export interface MountsFound {
  /** Sources of binds that are no directories. */
  files: ReadonlySet<string>;
  /** By destination: the permissions of the directories that a tmpfs will cover, octal. It has the same, as runc does it. */
  covered: ReadonlyMap<string, string>;
}

/**
 * Looks, and makes the places that links of the root lead to and that are not there yet. rootfs: mounted, not running
 * yet. Throws in Docker's words what can't be mounted.
 */
export function findMounts(mounts: readonly MountPoint[], rootfs: string): MountsFound {
  checkPropagation(mounts);
  const files = new Set(mounts.map((point) => point.Source).filter(isFile));
  for (const point of mounts) {
    if (above(point, mounts) === undefined) makeLinkedPlace(rootfs, point.Destination, files.has(point.Source));
  }
  return { files, covered: coveredModes(mounts, rootfs) };
}

/** The mount that another one lies in. */
const above = ({ Destination: path }: MountPoint, mounts: readonly MountPoint[]): MountPoint | undefined =>
  mounts.findLast(({ Destination }) => path.startsWith(`${Destination}/`));

function isFile(path: string): boolean {
  if (path === '') return false;
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() === false;
  } catch (error) {
    const why = reasonOf(error);
    if (why === undefined) throw error;
    throw new WherryError('unavailable', `cannot mount "${path}": stat ${path}: ${why}`, { cause: error });
  }
}

/** runc makes what a link of the image leads to; crun refuses a link into nothing. */
function makeLinkedPlace(rootfs: string, destination: string, isFile: boolean): void {
  const place = resolveInRoot(rootfs, destination);
  if (place === join(rootfs, destination) || existsSync(place)) return;
  try {
    mkdirSync(isFile ? dirname(place) : place, { recursive: true, mode: 0o755 });
    if (isFile) writeFileSync(place, '', { flag: 'wx' });
  } catch (error) {
    // What stands in the way the runtime says.
    if (!hasCode(error, 'EEXIST', 'ENOTDIR')) throw error;
  }
}

function coveredModes(mounts: readonly MountPoint[], rootfs: string): Map<string, string> {
  const modes = new Map<string, string>();
  for (const point of mounts) {
    if (point.Type !== 'tmpfs' || point.TmpfsOptions?.some((word) => word.startsWith('mode='))) continue;
    const below = above(point, mounts);
    if (below?.Source === '') continue;
    const place =
      below === undefined
        ? resolveInRoot(rootfs, point.Destination)
        : resolveInRoot(below.Source, point.Destination.slice(below.Destination.length));
    const stat = statSync(place, { throwIfNoEntry: false });
    if (stat?.isDirectory()) modes.set(point.Destination, (stat.mode & 0o7777).toString(8));
  }
  return modes;
}

/** Mounts only travel between mounts that the host shares; ours are slaves of the host's. */
function checkPropagation(points: readonly MountPoint[]): void {
  for (const { Source: source, Propagation: word } of points) {
    const wanted = /^r?(shared|slave)$/.exec(word)?.[1];
    if (wanted === undefined) continue;
    const { mountPoint, tags } = mountOf(source);
    if (tags.includes('shared:') || (wanted === 'slave' && tags.includes('master:'))) continue;
    const kinds = wanted === 'shared' ? 'a shared' : 'a shared or slave';
    throw new WherryError('invalid', `path ${source} is mounted on ${mountPoint} but it is not ${kinds} mount`);
  }
}

/** The mount that a path is on, and its optional fields (proc_pid_mountinfo(5)). */
function mountOf(path: string): { mountPoint: string; tags: string } {
  const real = existsSync(path) ? realpathSync(path) : path;
  let best = { mountPoint: '/', tags: '' };
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
    const [fields = ''] = line.split(' - ');
    const [, , , , point = '', , ...tags] = fields.split(' ');
    const mountPoint = point.replace(/\\(\d{3})/g, (_all, octal) => String.fromCharCode(Number.parseInt(octal, 8)));
    const holds = mountPoint !== '' && (mountPoint === real || `${real}/`.startsWith(join(mountPoint, '/')));
    if (holds && mountPoint.length >= best.mountPoint.length) best = { mountPoint, tags: tags.join(' ') };
  }
  return best;
}
