/** A blob's bytes become a tree in the current root: decompressed, hashed, read as an archive and written. */
import { createHash } from 'node:crypto';
import { decompressor } from '#store/decompress.ts';
import { type Extracting, extraction } from '#store/extract.ts';
import { tarReader } from '#store/tar.ts';

/**
 * Unpacks one layer. The umask must be 0, and nothing may be in the current root.
 * content: pieces that each need to be there only until the next one is asked for
 * @returns the digest of the archive, which is the layer's diff ID, and the bytes of all files in it
 * Throws what is wrong with the archive, or with the disk (explain(), unpack-error.ts).
 */
export async function unpackStream(
  how: Extracting,
  content: Iterable<Buffer>,
): Promise<{ digest: string; size: number }> {
  const hash = createHash('sha256');
  const layer = extraction(how);
  const archive = tarReader(layer.onEntry);
  const stream = decompressor();
  const take = async (pieces: Iterable<Buffer>) => {
    for (const piece of pieces) {
      hash.update(piece);
      const taken = archive.write(piece);
      if (taken !== undefined) await taken;
    }
  };
  for (const bytes of content) await take(stream.push(bytes));
  await take(stream.end());
  archive.end();
  return { digest: `sha256:${hash.digest('hex')}`, size: layer.finish().size };
}
