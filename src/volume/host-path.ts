/** Paths of the host that containers mount: looked at, and made where Docker makes them. */
import { existsSync, mkdirSync, statSync } from 'node:fs';
import type { MountPoint, MountRequest } from '#base/api.ts';
import { reasonOf } from '#base/errno.ts';
import { hasCode, WherryError } from '#base/error.ts';

/** -v makes a missing host directory, as Docker does. Throws kind `denied`. */
export function makeHostDirectory(path: string): void {
  try {
    if (!existsSync(path)) mkdirSync(path, { recursive: true, mode: 0o755 });
  } catch (cause) {
    // What is there and leads nowhere is a link.
    const why = hasCode(cause, 'ENOENT', 'EEXIST') ? 'file exists' : reasonOf(cause);
    if (why === undefined) throw cause;
    throw new WherryError('denied', `error while creating mount source path '${path}': mkdir ${path}: ${why}`, {
      hint: 'Make the directory first, or choose one that you may write in',
      cause,
    });
  }
}

/** --mount wants it to be there. refuse: makes the error of a reason. */
export function checkSource(path: string, refuse: (why: string) => WherryError): void {
  try {
    statSync(path);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) throw refuse(`bind source path does not exist: ${path}`);
    const why = reasonOf(error);
    throw why === undefined ? error : refuse(`stat ${path}: ${why}`);
  }
}

/**
 * At each start: what has gone from the host since the container was made is made anew for -v, and missed for --mount.
 * asked: HostConfig.Mounts. Throws as the two above.
 */
export function bringSources(points: readonly MountPoint[], asked: readonly MountRequest[]): void {
  for (const { Type, Source, Destination } of points) {
    if (Type !== 'bind' || existsSync(Source)) continue;
    const request = asked.find(
      ({ Type: type, Target }) => type === 'bind' && Target.replace(/(.)\/+$/, '$1') === Destination,
    );
    if (request === undefined || request.BindOptions?.CreateMountpoint) makeHostDirectory(Source);
    else checkSource(Source, (why) => new WherryError('unavailable', `invalid mount config for type "bind": ${why}`));
  }
}
