/** Work that one process at a time does; the others wait and find it done. */
import { closeSync, openSync, unlinkSync } from 'node:fs';
import type { Store } from '#store/store.ts';
import { type Lock, tryLock } from '#sys/file.ts';

export interface TurnOptions {
  abort?: AbortSignal | undefined;
  /** Called when it takes longer. */
  waiting?: () => void;
}

/**
 * Waits until this work is nobody else's. A file in tmp/ is the lock; who has it removes it, and the next makes another.
 * name: `kind-…`, a file's name.
 */
export async function takeTurn(store: Store, name: string, { abort, waiting }: TurnOptions = {}): Promise<Disposable> {
  const path = store.path('tmp', `${name}.lock`);
  for (let pause = 1; ; pause = Math.min(pause * 2, 100)) {
    abort?.throwIfAborted();
    closeSync(openSync(path, 'a', 0o600));
    const held = await tryLock(path).catch(() => undefined);
    if (held !== undefined) return { [Symbol.dispose]: () => letGo(held, path) };
    if (pause === 16) waiting?.();
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

function letGo(held: Lock, path: string): void {
  unlinkSync(path);
  held[Symbol.dispose]();
}
