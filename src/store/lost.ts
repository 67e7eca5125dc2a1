/** lost/: what a repair found no place for, and did not want to throw away. Nobody reads it but the user. */
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { basename } from 'node:path';
import type { Store } from '#store/store.ts';

/** Moves a file or directory of the store there, and gives its new path. Nothing there is overwritten. */
export function setAside(store: Store, path: string, name = basename(path)): string {
  mkdirSync(store.path('lost'), { recursive: true, mode: 0o700 });
  for (let attempt = 0; ; attempt += 1) {
    const target = store.path('lost', attempt === 0 ? name : `${name}.${attempt}`);
    if (existsSync(target)) continue;
    renameSync(path, target);
    return target;
  }
}
