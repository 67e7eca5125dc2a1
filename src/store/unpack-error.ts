/** The system's refusals while a layer is unpacked, in words. */
import { FREE_SPACE } from '#base/errno.ts';
import { hasCode, WherryError } from '#base/error.ts';
import type { Entry } from '#store/tar.ts';
import { printable } from '#store/tree.ts';

/** What the archive itself is to blame for. */
const ARCHIVE: Record<string, string> = {
  EEXIST: 'something else is in its place',
  EINVAL: 'the kernel does not take it',
  EISDIR: 'a directory is in its place',
  ELOOP: 'its path leads through too many links',
  EMLINK: 'it has more hard links than the file system takes',
  ENAMETOOLONG: 'its name is too long',
  ENOENT: 'its path leads through a link that points nowhere',
  ENOTDIR: 'its path leads through a file',
};

/** Turns what failed for one member into one line that names it; our own defects stay as they are. */
export function explain(error: unknown, entry: Entry): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (error instanceof WherryError || code === undefined || syscall === undefined) return error;
  const name = `"${printable(entry.name)}"`;
  if (/chown/.test(syscall) && hasCode(error, 'EINVAL', 'EOVERFLOW', 'EPERM')) return unmapped(name, entry);
  if (/setxattr/.test(syscall)) {
    const why = hasCode(error, 'ENOSPC', 'E2BIG', 'ERANGE')
      ? 'is larger than the file system takes'
      : `is refused: ${code}`;
    return new WherryError('unsupported', `an extended attribute of ${name} ${why}`);
  }
  if (hasCode(error, 'ENOSPC', 'EDQUOT')) return full();
  const blame = ARCHIVE[code];
  if (blame !== undefined) return new WherryError('corrupt', `${name}: ${blame}`, { cause: error });
  return new WherryError('unavailable', `${name}: ${syscall} answers ${code}`, { cause: error });
}

function unmapped(name: string, { uid, gid }: Entry): WherryError {
  return new WherryError('denied', `${name} belongs to ${uid}:${gid}, an id that your user namespace does not have`, {
    hint: 'Have root add ranges that reach it to /etc/subuid and /etc/subgid, and start anew after the last container has ended',
  });
}

/** The one refusal that does not hang on the member. */
function full(): WherryError {
  return new WherryError('unavailable', 'no space left on the device', {
    hint: FREE_SPACE,
  });
}
