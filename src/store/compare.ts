/** Is what the store holds still what it was? Blobs by their digest, layers by the headers of the archive they came from. */
import { closeSync, lstatSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';
import { hasCode } from '#base/error.ts';
import { handOver } from '#base/hand-over.ts';
import { blobPath } from '#store/blobs.ts';
import { decompressor } from '#store/decompress.ts';
import { layerFiles } from '#store/layer-files.ts';
import { differences, type Node, type NodeKind, type Tree, treePlan } from '#store/layer-tree.ts';
import { layerPath } from '#store/layers.ts';
import { packTree } from '#store/pack.ts';
import type { Store } from '#store/store.ts';
import { tarReader } from '#store/tar.ts';

/** A megabyte at a time: what is checked may be larger than the memory. */
const PIECE = 1024 * 1024;

function* pieces(path: string, abort?: AbortSignal): Generator<Buffer, void, void> {
  const fd = openSync(path, 'r');
  const buffer = Buffer.allocUnsafe(PIECE);
  try {
    for (let count = -1; count !== 0; ) {
      abort?.throwIfAborted();
      count = readSync(fd, buffer, 0, PIECE, null);
      if (count > 0) yield buffer.subarray(0, count);
    }
  } finally {
    closeSync(fd);
  }
}

/** Has the blob the content that it is named by? Undefined where it is gone, or where the disk refuses to read it. */
export async function blobIsSound(store: Store, digest: string, abort?: AbortSignal): Promise<boolean | undefined> {
  const { createHash } = await import('node:crypto');
  const hash = createHash('sha256');
  try {
    for (const piece of pieces(blobPath(store, digest), abort)) {
      hash.update(piece);
      // A signal is heard between the pieces.
      await new Promise((resolve) => setImmediate(resolve));
    }
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    if (hasCode(error, 'EIO', 'EISDIR', 'EACCES')) return false;
    throw error;
  }
  return `sha256:${hash.digest('hex')}` === digest;
}

/**
 * What in a layer's tree is not as its blob has it: names, kinds, sizes, modes, owners, times of change; contents are not
 * read. The blob must be sound.
 */
export async function layerDifferences(
  store: Store,
  { blob, diffId }: { blob: string; diffId: string },
  abort?: AbortSignal,
): Promise<string[]> {
  const plan = treePlan(store.host.namespace);
  const archive = tarReader((entry, content, next) => {
    plan.add(entry);
    if (entry.size === 0) return next();
    content.onEnd(next);
    content.onData(() => undefined);
  });
  const stream = decompressor();
  const take = async (parts: Iterable<Buffer>) => {
    for (const part of parts) {
      const taken = archive.write(part);
      if (taken !== undefined) await taken;
    }
  };
  for (const piece of pieces(blobPath(store, blob), abort)) {
    await take(stream.push(piece));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await take(stream.end());
  archive.end();
  const actual: Tree = new Map();
  readTree(Buffer.from(layerPath(store, diffId)), '', actual);
  return differences(plan.tree, actual);
}

/**
 * Has a layer that was built here, and has no blob, the content that it is named by? It is packed for it. False where the
 * disk refuses to read it.
 */
export async function layerIsSound(store: Store, diffId: string, abort?: AbortSignal): Promise<boolean> {
  const { createHash } = await import('node:crypto');
  const hash = createHash('sha256');
  try {
    await handOver(packTree(layerFiles(layerPath(store, diffId))), (piece) => void hash.update(piece), abort);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'EIO', 'EACCES')) return false;
    throw error;
  }
  return `sha256:${hash.digest('hex')}` === diffId;
}

/** Names are bytes; what can't be read is as good as absent. */
function readTree(directory: Buffer, prefix: string, tree: Tree): void {
  let names: Buffer[];
  try {
    names = readdirSync(directory, { encoding: 'buffer' });
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'EIO', 'EACCES')) return;
    throw error;
  }
  for (const name of names) {
    const path = Buffer.concat([directory, Buffer.from('/'), name]);
    const node = readNode(path);
    if (node === undefined) continue;
    const known = `${prefix}${name.toString('latin1')}`;
    tree.set(known, node);
    if (node.kind === 'directory') readTree(path, `${known}/`, tree);
  }
}

function readNode(path: Buffer): Node | undefined {
  try {
    const stat = lstatSync(path);
    const { mode, uid, gid, size, mtimeMs, rdev } = stat;
    const kind = kindOf(mode, rdev);
    const node: Node = { kind, mode: mode & 0o7777, uid, gid };
    if (kind === 'file') return { ...node, size, modified: Math.floor(mtimeMs / 1000) };
    if (kind === 'symlink') return { ...node, target: readlinkSync(path, { encoding: 'latin1' as 'utf8' }) };
    return node;
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'EIO', 'EACCES')) return undefined;
    throw error;
  }
}

/** inode(7). */
const KINDS: ReadonlyMap<number, NodeKind> = new Map([
  [0o100000, 'file'],
  [0o040000, 'directory'],
  [0o120000, 'symlink'],
  [0o010000, 'fifo'],
  [0o060000, 'block-device'],
]);

function kindOf(mode: number, device: number): NodeKind {
  const kind = KINDS.get(mode & 0o170000);
  return kind ?? (device === 0 ? 'whiteout' : 'character-device');
}
