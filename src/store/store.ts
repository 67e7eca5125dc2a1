/**
 * The user's directory: the file system is the database. This room promises that whatever is killed, what is visible
 * is whole: everything is written in tmp/ and renamed, and every lock is a flock that dies with its process.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { reasonOf } from '#base/errno.ts';
import { hasCode, WherryError } from '#base/error.ts';
import { asStorageError, replace } from '#sys/file.ts';
import { type Host, host } from '#sys/host.ts';

/** The one handle that every operation takes first. */
export interface Store {
  /** ~/.local/share/wherry */
  readonly root: string;
  /** $XDG_RUNTIME_DIR/wherry: what a reboot may forget. */
  readonly runtime: string;
  readonly bootId: string;
  readonly host: Host;
  /** A path inside the root. */
  path(...parts: string[]): string;
}

/** The folders of a store; a missing one means that the store is new. */
export const FOLDERS = ['blobs/sha256', 'layers', 'containers', 'names', 'volumes', 'networks', 'tmp'];

/** The content of `oci-layout` (image-spec, image-layout.md). */
export const LAYOUT = '{"imageLayoutVersion":"1.0.0"}';

/** Opens the user's store, made on first use. */
export function openStore(where: Host = host()): Store {
  const { root, runtime, bootId } = where;
  const base = join(root, '.');
  const store: Store = { root, runtime, bootId, host: where, path: (...parts) => inside(base, parts) };
  try {
    // The last folder to be made stands for all of them.
    if (mkdirSync(store.path('tmp'), { recursive: true, mode: 0o700 }) !== undefined) lay(store);
  } catch (error) {
    throw unusable(asStorageError(error, root));
  }
  return store;
}

/** Somebody else's directory, or a file where a directory has to be. */
function unusable(error: unknown): unknown {
  if (!hasCode(error, 'EACCES', 'EPERM', 'EEXIST', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG')) return error;
  const { path } = error as NodeJS.ErrnoException;
  return new WherryError('denied', `Cannot keep images and containers in "${path}": ${reasonOf(error)}`, {
    hint: 'It has to be a directory of yours; WHERRY_ROOT and XDG_RUNTIME_DIR name others',
    cause: error,
  });
}

/** As path.join(), which a list of hundreds of containers would spend its time in: the parts are plain names. */
function inside(base: string, parts: readonly string[]): string {
  let path = base;
  for (const part of parts) if (part !== '' && part !== '.') path += `/${part}`;
  return path;
}

function lay(store: Store): void {
  for (const folder of FOLDERS) mkdirSync(store.path(folder), { recursive: true, mode: 0o700 });
  mkdirSync(join(store.runtime, 's'), { recursive: true, mode: 0o700 });
  mkdirSync(join(store.runtime, 'monitors'), { recursive: true, mode: 0o700 });
  replace(store.path('oci-layout'), LAYOUT);
}
