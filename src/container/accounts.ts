/** --passwd, --passwd-entry, --group-entry, --hostuser, keep-id: users and groups that the image does not know. */
import { closeSync, constants, fstatSync, openSync, readFileSync, writeSync } from 'node:fs';
import { hasCode } from '#base/error.ts';
import type { Extras } from '#base/extras.ts';
import type { ContainerRecord } from '#container/record.ts';
import { hostPasswd, hostUser } from '#container/settle-extras.ts';
import { resolveInRoot } from '#sys/rooted.ts';

/** passwd(5) or group(5): a line's fields. */
type Line = string[];

interface Accounts {
  passwd: Line[];
  group: Line[];
}

/**
 * Adds the entries to the files of a mounted root that does not run yet; what is there already stays. A file that the
 * image does not have is made. self: the container's own user is this one of the host's.
 */
export function addAccounts(rootfs: string, record: ContainerRecord, self: { uid: number } | undefined): void {
  const { accounts } = record.extras ?? {};
  if (accounts === undefined && self === undefined) return;
  const files = { passwd: open(rootfs, '/etc/passwd'), group: open(rootfs, '/etc/group') };
  try {
    const line = hostPasswd().find((fields) => fields[2] === String(self?.uid));
    const wanted = wantedAccounts(record, accounts, line);
    append(files.passwd, wanted.passwd);
    append(files.group, wanted.group);
  } finally {
    for (const file of Object.values(files)) if (file !== undefined) closeSync(file.fd);
  }
}

/** What should be there: pure but for the host's own users. self: the line of passwd(5) of who the container's user is. */
export function wantedAccounts(
  { config }: Pick<ContainerRecord, 'config'>,
  accounts: Extras['accounts'],
  self: Line | undefined,
): Accounts {
  const home = config.WorkingDir || '/';
  const [user = '', group = ''] = config.User.split(':');
  const [uid, gid] = [user, group || '0'].map((id) => (/^\d+$/.test(id) ? id : undefined));
  const hosts = (accounts?.hostUsers ?? []).map(hostUser);
  const passwd = hosts.map(([name = '', , id = '', gid = '', gecos = '']) => [name, '*', id, gid, gecos, home, SHELL]);
  const groups = hosts.map(([name = '', , , id = '']) => [name, 'x', id, name]);
  if (uid !== undefined) {
    const name = self?.[0] ?? uid;
    const plain = [name, '*', uid, gid ?? '0', self === undefined ? 'container user' : (self[4] ?? ''), home, SHELL];
    passwd.push(filled(accounts?.passwd, { USERNAME: name, UID: uid, GID: gid ?? '0', NAME: name, HOME: home }, plain));
    if (gid !== undefined && gid !== '0') {
      groups.push(filled(accounts?.group, { GROUPNAME: gid, GID: gid, USERLIST: name }, [gid, 'x', gid, name]));
    }
  }
  return { passwd, group: groups };
}

const SHELL = '/bin/sh';

/** An entry that was asked for, with its `$NAMES` filled in; else the plain one. */
function filled(entry: string | undefined, values: Record<string, string>, plain: Line): Line {
  if (entry === undefined) return plain;
  return entry.replace(/\$([A-Z]+)/g, (word, name: string) => values[name] ?? word).split(':');
}

interface OpenFile {
  fd: number;
  text: string;
}

/** Opened through no link to elsewhere; undefined where the image has something that is no file there. */
function open(rootfs: string, path: string): OpenFile | undefined {
  try {
    const flags =
      constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    const fd = openSync(resolveInRoot(rootfs, path), flags, 0o644);
    if (fstatSync(fd).isFile()) return { fd, text: readFileSync(fd, 'utf8') };
    closeSync(fd);
    return undefined;
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP', 'EISDIR', 'ENXIO')) return undefined;
    throw error;
  }
}

/** Adds those whose id, the third field, nobody has. */
function append(file: OpenFile | undefined, lines: readonly Line[]): void {
  if (file === undefined) return;
  const ids = new Set(file.text.split('\n').map((line) => line.split(':')[2]));
  const added: string[] = [];
  for (const line of lines) {
    if (ids.has(line[2])) continue;
    ids.add(line[2]);
    added.push(`${line.join(':')}\n`);
  }
  if (added.length === 0) return;
  const gap = file.text === '' || file.text.endsWith('\n') ? '' : '\n';
  writeSync(file.fd, gap + added.join(''));
}
