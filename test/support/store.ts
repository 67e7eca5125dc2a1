import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { openStore, type Store } from '#store/store.ts';

/** A directory that goes when the test ends, with what may still be mounted below it. */
export function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'wherry-test-'));
  onTestFinished(() => {
    try {
      execFileSync('umount', ['-R', '-l', path], { stdio: 'ignore' });
    } catch {
      // Nothing was mounted.
    }
    rmSync(path, { recursive: true, force: true });
  });
  return path;
}

/** A new, empty store that goes when the test ends. */
export function temporaryStore(): Store {
  const directory = temporaryDirectory();
  return openStore({
    root: join(directory, 'root'),
    runtime: join(directory, 'run'),
    uid: process.getuid?.() ?? 0,
    gid: process.getgid?.() ?? 0,
    namespace: 'root',
    bootId: 'this-boot',
    home: directory,
  });
}

/** Mounting, chroot and mknod need root, the machine's or a namespace's; the reason to skip what does. */
export const unprivileged = process.getuid?.() !== 0;
