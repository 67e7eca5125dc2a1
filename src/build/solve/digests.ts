/**
 * Digests of the files of the user's directories, kept between builds: a file whose inode, size and times are what they
 * were has the content that it had, so that of a large context that nobody has touched only the names are looked at.
 */
import { mkdirSync } from 'node:fs';
import { digestFile } from '#build/solve/checksum.ts';
import { digestOf } from '#oci/digest.ts';
import type { Store } from '#store/store.ts';
import type { Found } from '#store/union.ts';
import { readText, replace } from '#sys/file.ts';

export interface Digests {
  of(path: string, found: Found): string;
  /** Keeps what was learnt. */
  save(): void;
}

/** What was changed so shortly before can be changed once more within the same tick of the file system's clock. */
const TICK = 2_000_000_000n;

/** A file of lines: what the file was, a tab, its digest, a tab, its path. */
export function openDigests(store: Store, directory: string): Digests {
  const folder = store.path('build', 'contexts');
  const place = store.path('build', 'contexts', digestOf(directory).slice('sha256:'.length));
  const known = parse(readText(place) ?? '');
  const now = BigInt(Date.now()) * 1_000_000n;
  let changed = false;
  return {
    of: (path, found) => {
      const { dev, ino, size, mtimeNs, ctimeNs } = found.stat;
      const is = `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`;
      const before = known.get(path);
      if (before?.is === is) return before.digest;
      const digest = digestFile(found);
      if (ctimeNs < now - TICK && !/[\n\t]/.test(path)) {
        known.set(path, { is, digest });
        changed = true;
      }
      return digest;
    },
    save: () => {
      if (!changed) return;
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const lines = [...known].map(([path, { is, digest }]) => `${is}\t${digest}\t${path}\n`);
      replace(place, Buffer.from(lines.join(''), 'latin1'));
      changed = false;
    },
  };
}

interface Known {
  is: string;
  digest: string;
}

function parse(text: string): Map<string, Known> {
  const known = new Map<string, Known>();
  // Paths are bytes: they were written as such.
  for (const line of Buffer.from(text).toString('latin1').split('\n')) {
    const [is = '', digest, path] = line.split('\t');
    if (digest !== undefined && path !== undefined) known.set(path, { is, digest });
  }
  return known;
}
