/** Unpacking layers into the store, by child processes that have chroot'ed into what they write. */
import { closeSync } from 'node:fs';
import { type ErrorKind, WherryError } from '#base/error.ts';
import { commitLayer } from '#store/layers.ts';
import { stageDirectory, stagingName } from '#store/staging.ts';
import type { Store } from '#store/store.ts';
import type { Answer } from '#store/tasks.ts';
import { childPool, type Source } from '#store/unpack-process.ts';
import { removeTree } from '#sys/file.ts';

interface UnpackOptions {
  abort?: AbortSignal | undefined;
}

export interface Unpacker {
  /**
   * Unpacks one layer's blob as its file grows; gzip, zstd or none is told by its first bytes. The layer is visible when
   * this resolves, and not at all else. Several may run at once; those beyond the number of processors wait, and their
   * sizes are not asked for meanwhile. When another process has unpacked the same layer meanwhile, that one stays.
   * @returns size: the bytes of all files in it, as Docker counts
   * Throws `corrupt` for a damaged archive or another diff id, `unsupported` for what images do not have, `denied` for
   * owners that the user namespace lacks, `unavailable` on a full disk; what the source throws; the abort's reason.
   */
  unpack(diffId: string, mediaType: string, source: Source, options?: UnpackOptions): Promise<{ size: number }>;
  /**
   * As unpack(), for a layer that is made just now and whose diff ID nobody knows before.
   * @param named gets the diff ID, and its promise is waited for, before the layer is visible: to hold it
   */
  unpackNew(
    source: Source,
    named: (diffId: string) => Promise<void>,
    options?: UnpackOptions,
  ): Promise<{ diffId: string; size: number }>;
  /** Ends the children. Must be called in the end, also after an error. */
  close(): void;
}

/** Opens an unpacker. Its first child starts at once, while the caller still asks for the manifest. */
export function openUnpacker(store: Store): Unpacker {
  const pool = childPool();
  /** keep: judges the answer, and may throw; gives the diff ID that the layer is kept under. */
  const unpackOne = async (source: Source, keep: (answer: Answer) => Promise<Unpacked>, { abort }: UnpackOptions) => {
    const child = await pool.take(abort);
    const directory = store.path('tmp', stagingName('layer'));
    let lock: number | undefined;
    try {
      lock = stageDirectory(directory, 0o755);
      const answer = await child.ask({ directory, namespace: store.host.namespace }, source, abort);
      const unpacked = await keep(answer);
      await commitLayer(store, directory, unpacked.diffId);
      return unpacked;
    } catch (error) {
      // It may be in the middle of anything, and must not write on while its directory is removed.
      await child.end();
      removeTree(directory);
      throw error;
    } finally {
      if (lock !== undefined) closeSync(lock);
      pool.give(child);
    }
  };
  return {
    unpack: async (diffId, mediaType, source, options = {}) => {
      if (mediaType.endsWith('+encrypted')) {
        throw new WherryError('unsupported', `Cannot unpack the layer ${diffId}: it is encrypted`);
      }
      return unpackOne(
        source,
        async (answer) => judge(diffId, unpacked(answer, `the layer ${diffId}`, store)),
        options,
      );
    },
    unpackNew: (source, named, options = {}) => {
      const keep = async (answer: Answer) => {
        const layer = unpacked(answer, 'the new layer', store);
        await named(layer.diffId);
        return layer;
      };
      return unpackOne(source, keep, options);
    },
    close: () => pool.close(),
  };
}

interface Unpacked {
  diffId: string;
  size: number;
}

/** What the child has unpacked, or what it says against it. */
function unpacked(answer: Answer, what: string, store: Store): Unpacked {
  if ('defect' in answer) throw new Error(`unpacking ${what}: ${answer.defect}`);
  if (!('kind' in answer)) return { diffId: answer.digest, size: answer.size };
  const hint = answer.hint === undefined ? {} : { hint: answer.hint };
  const where = answer.message.startsWith('no space') ? ` in "${store.root}"` : '';
  throw new WherryError(answer.kind as ErrorKind, `Cannot unpack ${what}${where}: ${answer.message}`, hint);
}

/** Is it the layer that was asked for? */
function judge(diffId: string, found: Unpacked): Unpacked {
  if (found.diffId === diffId) return found;
  throw new WherryError('corrupt', `Cannot unpack the layer ${diffId}: its content is ${found.diffId}`, {
    hint: 'The image is damaged, or its configuration belongs to another one: pull it again, or tell its maker',
  });
}
