/** Where network namespaces are: the user's, and one of each container on networks. Apart, so that to ask costs nothing. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Store } from '#store/store.ts';

export const folderOf = (store: Store): string => join(store.runtime, 'netns');

/** Has the container a namespace that was made for it, to be given back by leaveNetworks()? */
export const hasNamespace = (store: Store, id: string): boolean => existsSync(join(folderOf(store), id));
