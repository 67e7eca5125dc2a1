/** Extended attributes that belong to a file and not to this machine: capabilities, and users' own but for those of overlays. */
import { hasCode } from '#base/error.ts';
import { raw } from '#store/tree.ts';
import { getxattr, listxattr, setxattr } from '#sys/ffi.ts';

const WANTED = /^(?:security\.capability$|user\.(?!overlay\.|fuseoverlayfs\.|containers\.))/;

/** Of the file itself, never of what a link leads to; names and values in bytes. */
export function attributesOf(at: string): [name: string, value: string][] {
  const path = raw(at);
  return list(path)
    .filter((name) => WANTED.test(name))
    .flatMap((name): [string, string][] => {
      const value = getxattr(path, name);
      return value === undefined ? [] : [[name, value.toString('latin1')]];
    });
}

function list(path: string | Buffer): string[] {
  try {
    return listxattr(path);
  } catch (error) {
    if (hasCode(error, 'ENOTSUP', 'EOPNOTSUPP')) return [];
    throw error;
  }
}

/** Gives one file those of another; what this file system or this user can't have is left out, as BuildKit does. */
export function copyAttributes(from: string, to: string): void {
  for (const [name, value] of attributesOf(from)) {
    try {
      setxattr(raw(to), name, Buffer.from(value, 'latin1'));
    } catch (error) {
      if (!hasCode(error, 'ENOTSUP', 'EOPNOTSUPP', 'EPERM')) throw error;
    }
  }
}
