/** Users and groups of a tree, by the texts of its /etc/passwd and /etc/group. */

export interface User {
  name: string;
  uid: number;
  gid: number;
  home: string;
}

export interface Group {
  name: string;
  gid: number;
  members: string[];
}

const linesOf = (text: string) => text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
const idOf = (text: string | undefined) => (text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined);

/** passwd(5): name:password:uid:gid:gecos:home:shell; what has no ids is passed over. */
export function parsePasswd(text: string): User[] {
  return linesOf(text).flatMap((line) => {
    const [name = '', , uid, gid, , home = ''] = line.split(':');
    const ids = { uid: idOf(uid), gid: idOf(gid) };
    return ids.uid === undefined || ids.gid === undefined ? [] : [{ name, uid: ids.uid, gid: ids.gid, home }];
  });
}

/** group(5): name:password:gid:members */
export function parseGroup(text: string): Group[] {
  return linesOf(text).flatMap((line) => {
    const [name = '', , gid, members = ''] = line.split(':');
    const id = idOf(gid);
    return id === undefined ? [] : [{ name, gid: id, members: members.split(',').filter(Boolean) }];
  });
}
