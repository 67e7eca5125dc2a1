/**
 * What a layer's tree has to look like, said by its archive's headers alone: the rules of extract.ts without the files.
 * Pure; the memory is that of the names.
 */
import type { Entry } from '#store/tar.ts';
import { cleanName, parentOf, printable } from '#store/tree.ts';
import { OPAQUE, RESERVED, WHITEOUT } from '#store/whiteout.ts';
import type { Namespace } from '#sys/host.ts';

export type NodeKind = 'file' | 'directory' | 'symlink' | 'fifo' | 'character-device' | 'block-device' | 'whiteout';

/** One file. Hard links are several names of one. */
export interface Node {
  kind: NodeKind;
  /** Undefined where the archive says nothing that counts. */
  mode?: number;
  uid?: number;
  gid?: number;
  /** Of a file, in bytes. */
  size?: number;
  /** Of a file: seconds since 1970. */
  modified?: number;
  /** Of a symbolic link. */
  target?: string;
}

/** Names as tree.ts has them, the root not among them. */
export type Tree = Map<string, Node>;

export interface TreePlan {
  /** Takes the members in their order. */
  add(entry: Entry): void;
  readonly tree: Tree;
}

const MAX_LINKS = 40;

type Owner = Pick<Node, 'uid' | 'gid'>;

/** Begins the tree of an empty layer. */
export function treePlan(namespace: Namespace): TreePlan {
  const tree: Tree = new Map();
  return {
    tree,
    add: (entry) => {
      const clean = cleanName(entry.name);
      // The root's own entry is skipped.
      const path = clean === '' ? undefined : resolve(tree, clean);
      if (path !== undefined) addMember(tree, path, entry, namespace);
    },
  };
}

function addMember(tree: Tree, path: string, entry: Entry, namespace: Namespace): void {
  const owner = namespace === 'single' ? {} : { uid: entry.uid, gid: entry.gid };
  if (path.includes(WHITEOUT) && whiteout(tree, path, owner)) return;
  // As extract.ts: the kernel refuses devices in a namespace.
  if (entry.kind.endsWith('-device') && namespace !== 'root') return;
  if (entry.kind === 'link') link(tree, path, entry, owner);
  else if (entry.kind === 'directory') directory(tree, path, { kind: 'directory', mode: entry.mode, ...owner });
  else place(tree, path, { ...nodeOf(entry), ...owner });
}

function nodeOf({ kind, mode, size, modified, linkName }: Entry): Node {
  if (kind === 'symlink') return { kind, target: linkName };
  if (kind === 'file') return { kind, mode, size, modified: modified.seconds };
  return { kind: kind as NodeKind, mode };
}

/** Where a path leads, its last part aside: links in the layer are followed, as the kernel did. */
function resolve(tree: Tree, path: string): string | undefined {
  const todo = partsOf(parentOf(path)).reverse();
  let done: string[] = [];
  let links = 0;
  for (let part = todo.pop(); part !== undefined; part = todo.pop()) {
    const node = tree.get([...done, part].join('/'));
    if (part === '..') done.pop();
    else if (node?.kind === 'symlink' && links < MAX_LINKS) {
      links += 1;
      if (node.target?.startsWith('/')) done = [];
      todo.push(...partsOf(node.target ?? '').reverse());
    } else if (node === undefined || node.kind === 'directory') done.push(part);
    else return undefined;
  }
  return [...done, path.slice(path.lastIndexOf('/') + 1)].join('/');
}

const partsOf = (path: string) => path.split('/').filter((part) => part !== '' && part !== '.');

/** Parents that the layer does not name: tree.ts makes them so. */
function makeParents(tree: Tree, path: string): void {
  for (let slash = path.indexOf('/'); slash !== -1; slash = path.indexOf('/', slash + 1)) {
    const parent = path.slice(0, slash);
    if (!tree.has(parent)) tree.set(parent, { kind: 'directory', mode: 0o755 });
  }
}

function remove(tree: Tree, path: string): void {
  const was = tree.get(path);
  tree.delete(path);
  if (was?.kind !== 'directory') return;
  for (const name of [...tree.keys()]) if (name.startsWith(`${path}/`)) tree.delete(name);
}

function place(tree: Tree, path: string, node: Node): void {
  makeParents(tree, path);
  remove(tree, path);
  tree.set(path, node);
}

function directory(tree: Tree, path: string, node: Node): void {
  const known = tree.get(path);
  if (known?.kind === 'directory') Object.assign(known, node);
  else place(tree, path, node);
}

/** The last name says what a file is, as with tar(1). */
function link(tree: Tree, path: string, { linkName, mode, modified }: Entry, owner: Owner): void {
  const linked = resolve(tree, cleanName(linkName));
  const node = linked === undefined ? undefined : tree.get(linked);
  if (node === undefined || linked === path) return;
  place(tree, path, node);
  Object.assign(node, owner);
  if (node.kind === 'symlink') return;
  node.mode = mode;
  if (node.kind === 'file') node.modified = modified.seconds;
}

/** Carries out a member that is a whiteout, as whiteout.ts does. */
function whiteout(tree: Tree, path: string, owner: Owner): boolean {
  const base = path.slice(path.lastIndexOf('/') + 1);
  if (base === OPAQUE) {
    makeParents(tree, path);
    return true;
  }
  if (path.split('/').some((part) => part.startsWith(RESERVED))) return true;
  if (!base.startsWith(WHITEOUT)) return false;
  const hidden = path.slice(0, -base.length) + base.slice(WHITEOUT.length);
  // The layer's own file stays.
  if (!tree.has(hidden)) place(tree, hidden, { kind: 'whiteout', ...owner });
  return true;
}

/** What differs, one phrase each, at most `most`. The actual tree is taken apart: what is left of it is too much. */
export function differences(wanted: Tree, actual: Tree, most = 5): string[] {
  const found: string[] = [];
  for (const [path, node] of wanted) {
    if (found.length >= most) return found;
    const is = actual.get(path);
    actual.delete(path);
    const why = is === undefined ? 'is missing' : difference(node, is);
    if (why !== undefined) found.push(`"${printable(path)}" ${why}`);
  }
  for (const path of actual.keys()) {
    if (found.length >= most) return found;
    // The mark of an opaque directory where the file system has no attributes (whiteout.ts).
    if (!path.endsWith(`/${OPAQUE}`) && path !== OPAQUE) found.push(`"${printable(path)}" is not in the layer`);
  }
  return found;
}

function difference(wanted: Node, is: Node): string | undefined {
  if (wanted.kind !== is.kind) return `is a ${is.kind}, not a ${wanted.kind}`;
  if (wanted.size !== undefined && wanted.size !== is.size) return `has ${is.size} bytes, not ${wanted.size}`;
  if (wanted.target !== undefined && wanted.target !== is.target) return `leads to "${printable(is.target ?? '')}"`;
  if (wanted.mode !== undefined && wanted.mode !== is.mode) {
    return `has the mode ${is.mode?.toString(8)}, not ${wanted.mode.toString(8)}`;
  }
  if (wanted.uid !== undefined && (wanted.uid !== is.uid || wanted.gid !== is.gid)) {
    return `belongs to ${is.uid}:${is.gid}, not ${wanted.uid}:${wanted.gid}`;
  }
  // Some file systems have no later times than this.
  if (wanted.modified !== undefined && wanted.modified < 2 ** 31 && wanted.modified !== is.modified) {
    return 'was changed';
  }
  return undefined;
}
