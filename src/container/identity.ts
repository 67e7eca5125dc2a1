/** Who a container's process is: user[:group] looked up in the container's own /etc/passwd and /etc/group. */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { hasCode, WherryError } from '#base/error.ts';
import { type Group, parseGroup, parsePasswd, type User } from '#base/passwd.ts';
import { resolveInRoot } from '#sys/rooted.ts';

export interface Identity {
  uid: number;
  gid: number;
  /** The first one is gid itself, as Docker has it. */
  additionalGids: number[];
  /** From passwd; / where it names none. */
  home: string;
}

/** --group-add keep-groups: the groups that we are in on the host, whatever they are called here. */
export const KEEP_GROUPS = 'keep-groups';

/** As the kernel: the last one means "no id". */
const LAST_ID = 2 ** 31 - 1;

/** Files of a container are somebody else's: a passwd of gigabytes must not take our memory. */
const MOST_BYTES = 16 * 1024 * 1024;

/**
 * Looks up `user`, `user:group`, `uid`, `uid:gid` and mixtures; '' is root. rootfs: the mounted root, not running yet.
 * groupAdd: --group-add, names or numbers. A number that no entry has is taken as it is.
 * Throws kind `not-found` in Docker's words for names without an entry, `unavailable` for ids out of range.
 */
export function resolveUser(rootfs: string, text: string, groupAdd: readonly string[] = []): Identity {
  const [userPart = '', groupPart = ''] = splitOnce(text);
  const users = parsePasswd(readInside(rootfs, '/etc/passwd'));
  const groups = parseGroup(readInside(rootfs, '/etc/group'));
  const user = findUser(users, userPart);
  const gid = groupPart === '' ? user.gid : findGroup(groups, groupPart);
  // A group that was asked for stands alone: the user's further groups are left out (moby/sys/user, GetExecUser).
  const own = groupPart === '' && user.name !== '' ? groups.filter(({ members }) => members.includes(user.name)) : [];
  const added = groupAdd.filter((group) => group !== KEEP_GROUPS).map((group) => findGroup(groups, group));
  return {
    uid: user.uid,
    gid,
    additionalGids: [...new Set([gid, ...own.map((group) => group.gid), ...added])],
    home: user.home || '/',
  };
}

function splitOnce(text: string): string[] {
  const colon = text.indexOf(':');
  return colon === -1 ? [text] : [text.slice(0, colon), text.slice(colon + 1)];
}

/** A number is always an id, even where somebody is named so. */
function findUser(users: readonly User[], text: string): User {
  const number = asId(text === '' ? '0' : text);
  const named = users.find((user) => (number === undefined ? user.name === text : user.uid === number));
  if (named !== undefined) return named;
  if (number !== undefined) return { name: '', uid: inRange(number), gid: 0, home: '/' };
  throw new WherryError('not-found', `unable to find user ${text}: no matching entries in passwd file`);
}

function findGroup(groups: readonly Group[], text: string): number {
  const number = asId(text);
  if (number !== undefined) return inRange(number);
  const found = groups.find((group) => group.name === text);
  if (found !== undefined) return found.gid;
  throw new WherryError('not-found', `unable to find group ${text}: no matching entries in group file`);
}

function asId(text: string): number | undefined {
  return /^-?\d+$/.test(text) ? Number(text) : undefined;
}

function inRange(id: number): number {
  if (id >= 0 && id <= LAST_ID) return id;
  throw new WherryError('unavailable', `uids and gids must be in range 0-${LAST_ID}`);
}

/** A regular file inside the tree, '' where there is none: never a FIFO that would hold us, nor one of the host's. */
function readInside(rootfs: string, path: string): string {
  let fd: number;
  try {
    const inside = resolveInRoot(rootfs, path);
    fd = openSync(inside, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO', 'EISDIR', 'EACCES')) return '';
    throw error;
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) return '';
    if (stat.size > MOST_BYTES)
      throw new WherryError('invalid', `Cannot read "${path}" of the container: it is too big`);
    return readFileSync(fd, 'utf8');
  } finally {
    closeSync(fd);
  }
}
