/** --chown: names are looked up in the tree that is copied to, ids are taken as they are. */

import { parseGroup, parsePasswd } from '#base/passwd.ts';
import { type TreeReader, textIn } from '#build/solve/tree.ts';
import type { Ids } from '#build/solve/upper.ts';

/**
 * `user[:group]`. A user's id without a group is the group's, too; a user's name brings the user's own group. A name that
 * the tree does not know is root's, as with BuildKit; a group's is the user's.
 */
export function ownerIn(tree: TreeReader, text: string): Ids {
  const [user = '', group = ''] = text.split(':');
  const { uid, gid } = userIn(tree, user);
  return { uid, gid: group === '' ? gid : (groupIn(tree, group) ?? gid) };
}

const asId = (text: string) => (/^\d+$/.test(text) ? Number(text) : undefined);

function userIn(tree: TreeReader, text: string): Ids {
  const id = asId(text || '0');
  if (id !== undefined) return { uid: id, gid: id };
  return parsePasswd(textIn(tree, 'etc/passwd')).find(({ name }) => name === text) ?? { uid: 0, gid: 0 };
}

function groupIn(tree: TreeReader, text: string): number | undefined {
  return asId(text) ?? parseGroup(textIn(tree, 'etc/group')).find(({ name }) => name === text)?.gid;
}
