/** The door: everything that a face calls takes the store that this opens. */
import { openStore as open, type Store } from '#store/store.ts';

export type { Store } from '#store/store.ts';

/** Opens the user's store, which is made on first use. Throws kind `unsupported` outside of the user's namespace. */
export async function openStore(): Promise<Store> {
  return open();
}
