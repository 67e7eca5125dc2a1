/** Where a context that is fetched lies until the build has ended. */
import { closeSync } from 'node:fs';
import { join } from 'node:path';
import type { Report } from '#build/event.ts';
import { stageDirectory, stagingName } from '#store/staging.ts';
import type { Store } from '#store/store.ts';
import { removeTree } from '#sys/file.ts';

/** What fetching takes. */
export interface Fetching {
  store: Store;
  report: Report;
  abort?: AbortSignal | undefined;
  /** A new path below a directory that goes in the end. */
  place(name: string): string;
}

/** Made when it is first asked for, and held, so that nobody takes it for a dead one's. */
export function temporaryPlace(store: Store): { place(name: string): string; remove(): void } {
  let made: { path: string; fd: number } | undefined;
  return {
    place: (name) => {
      if (made === undefined) {
        const path = store.path('tmp', stagingName('context'));
        made = { path, fd: stageDirectory(path, 0o700) };
      }
      return join(made.path, name);
    },
    remove: () => {
      if (made === undefined) return;
      removeTree(made.path);
      closeSync(made.fd);
      made = undefined;
    },
  };
}

export interface Main {
  path: string;
  /** Somebody else has made it: its links lead nowhere but into it. */
  isForeign: boolean;
  /** The Dockerfile that standard input or an address was. */
  dockerfile?: string;
}
