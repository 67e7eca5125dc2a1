/** The door: everything that a face calls takes the store that this opens. */
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { openStore as open, type Store } from '#store/store.ts';
import { type Host, host } from '#sys/host.ts';

export type { Store } from '#store/store.ts';
export { exitAtOnce } from '#sys/ffi.ts';

/**
 * Opens the user's store, which is made on first use. The first time in a boot, containers of before that were made
 * with --rm are removed. Throws kind `unsupported` outside of the user's namespace.
 */
export async function openStore(where?: Host): Promise<Store> {
  const store = open(where);
  if (isFirst(store)) {
    const { removeForgotten } = await import('#engine/forgotten.ts');
    await removeForgotten(store);
  }
  return store;
}

/**
 * The store as it is, to look at from outside of the user's namespace: its records are the user's own files. Undefined where
 * there is none yet; nothing is made.
 */
export function peekStore(env: NodeJS.ProcessEnv = process.env): Store | undefined {
  const isRoot = process.geteuid?.() === 0;
  const runtime = env.WHERRY_RUNTIME_DIR ?? join(env.XDG_RUNTIME_DIR ?? '/run', 'wherry');
  const where = host({ ...env, WHERRY_NAMESPACE: isRoot ? 'root' : 'user', WHERRY_RUNTIME_DIR: runtime });
  return existsSync(join(where.root, 'tmp')) ? open(where) : undefined;
}

/** A mark in what a reboot forgets; several stores may share the place. */
function isFirst(store: Store): boolean {
  const { dev, ino } = statSync(store.root);
  return mkdirSync(join(store.runtime, 'opened', `${dev}-${ino}`), { recursive: true, mode: 0o700 }) !== undefined;
}
