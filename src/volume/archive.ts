/** A volume's content as a tar archive, both ways (podman volume export and import). */
import { closeSync, constants, openSync } from 'node:fs';
import { reasonOf } from '#base/errno.ts';
import { WherryError } from '#base/error.ts';
import { given } from '#base/given.ts';
import { decompressed } from '#store/decompress-stream.ts';
import { packTree } from '#store/pack.ts';
import type { Store } from '#store/store.ts';
import { tarReader } from '#store/tar.ts';
import { members, openUnion, placeAt } from '#store/union.ts';
import { writeBelow } from '#store/write-below.ts';
import { asStorageError } from '#sys/file.ts';
import { volumeData } from '#volume/volume.ts';

/** In pieces, each there until the next one is asked for. Containers may be writing in it. */
export function* packVolume(store: Store, name: string): Generator<Buffer, void, void> {
  using root = openUnion({ layers: [placeAt(volumeData(store, name), { live: true })], marks: false });
  yield* packTree(members(root));
}

/**
 * Unpacks an archive, plain or compressed, among what the volume has already; of the same name the archive's file stays.
 * No link in the volume leads out of it. Throws kind `corrupt` for what is no archive, `invalid` where the volume has a
 * directory in the place of a file or the other way round.
 */
export async function unpackVolume(
  store: Store,
  name: string,
  source: AsyncIterable<Buffer>,
  abort?: AbortSignal,
): Promise<void> {
  const data = volumeData(store, name);
  const root = openSync(data, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    using writing = writeBelow(root, {
      name,
      owner: store.host.namespace === 'single' ? () => ({ uid: 0, gid: 0 }) : ({ uid, gid }) => ({ uid, gid }),
      explain: (error, path) => (error instanceof WherryError ? error : refusal(error, data, path)),
    });
    const reader = tarReader(writing.onEntry);
    for await (const piece of decompressed(source)) {
      abort?.throwIfAborted();
      await reader.write(piece);
    }
    reader.end();
    writing.finish();
  } finally {
    closeSync(root);
  }
}

/** path: of an entry. A volume, or the archive itself, may have something else in its way; owners may have no id here. */
function refusal(error: unknown, data: string, path: string): unknown {
  const known = asStorageError(error, `${data}/${path}`);
  const why = reasonOf(error);
  if (known instanceof WherryError || why === undefined) return known;
  const { syscall } = error as NodeJS.ErrnoException;
  const hint = {
    hint: /chown$/.test(syscall ?? '') ? 'Its owner has no id here: /etc/subuid says which there are' : undefined,
  };
  return new WherryError('invalid', `Cannot unpack "${path}" into the volume: ${why}`, {
    cause: error,
    ...given(hint),
  });
}
