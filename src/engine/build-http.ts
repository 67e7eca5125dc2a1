/** ADD of an address: the file, fetched into a directory of its own that goes with the build. */
import { chmodSync, chownSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { WherryError } from '#base/error.ts';
import { fetchFile as download } from '#build/context/http.ts';
import { keyOf } from '#build/solve/cache.ts';
import { digestFile } from '#build/solve/checksum.ts';
import type { Scope } from '#build/solve/means.ts';
import type { Source } from '#build/solve/source.ts';
import { readTree } from '#build/solve/tree.ts';
import type { Vertex } from '#build/vertex.ts';
import { placeAt } from '#store/union.ts';

type Wanted = Extract<Vertex, { op: 'http' }>;

/** place: a directory that is not there yet. Throws kind `unavailable`, or `corrupt` for another checksum. */
export async function fetchFile({ url, checksum, filename }: Wanted, place: string, scope: Scope): Promise<Source> {
  mkdirSync(place, { mode: 0o755 });
  const at = join(place, 'download');
  const { digest, name, modified } = await download(url, at, {
    abort: scope.abort,
    progress: (current, total) => scope.status('downloading', { current, total, done: false }),
  });
  if (checksum !== undefined && checksum !== digest) {
    throw new WherryError('corrupt', `digest mismatch ${digest}: ${checksum}`, {
      hint: 'Compare the file with the digest in the Dockerfile',
    });
  }
  const called = filename === '' ? name : filename;
  renameSync(at, join(place, called));
  chmodSync(join(place, called), 0o600);
  chownSync(join(place, called), 0, 0);
  return {
    tree: readTree({ layers: [placeAt(place)], marks: false }),
    id: keyOf(['http', digest, called, modified ?? 0]),
    digest: (_path, found) => digestFile(found),
  };
}
