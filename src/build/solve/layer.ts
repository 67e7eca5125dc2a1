/** A directory becomes a layer of the store: read once as an archive, whose digest names it. */
import { layerFiles } from '#store/layer-files.ts';
import { packTree } from '#store/pack.ts';

/** A layer without its place. */
export interface LayerFacts {
  /** Of the archive, uncompressed. */
  diffId: string;
  /** Bytes of the archive. */
  archive: number;
  /** Bytes of all files in it, as Docker counts. */
  size: number;
}

/** How many pieces of a megabyte are hashed before others have their turn. */
const BREATH = 8;

/** What a directory is as a layer. It must not change meanwhile. */
export async function measureLayer(directory: string, abort?: AbortSignal): Promise<LayerFacts> {
  const { createHash } = await import('node:crypto');
  const hash = createHash('sha256');
  const counted = { size: 0 };
  let archive = 0;
  let pieces = 0;
  for (const piece of packTree(counting(directory, counted))) {
    hash.update(piece);
    archive += piece.length;
    pieces += 1;
    if (pieces % BREATH !== 0) continue;
    await new Promise((resolve) => setImmediate(resolve));
    abort?.throwIfAborted();
  }
  return { diffId: `sha256:${hash.digest('hex')}`, archive, size: counted.size };
}

function* counting(directory: string, counted: { size: number }) {
  const seen = new Set<bigint>();
  for (const file of layerFiles(directory)) {
    if ('stat' in file && !file.stat.isDirectory() && !seen.has(file.stat.ino)) {
      if (file.stat.nlink > 1n) seen.add(file.stat.ino);
      counted.size += Number(file.stat.size);
    }
    yield file;
  }
}
