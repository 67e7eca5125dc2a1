/** Directories of the tests' user with files: what is built from, and whole projects. */
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { testUser } from '#test/support/user.ts';

/** A directory of the user's with these files, which goes when the test ends. */
export function buildContext(files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), 'wherry-context-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  // mkdtemp makes it 0700, which would shut out a container's users but its root.
  chmodSync(root, 0o755);
  chownSync(root, testUser().uid, testUser().gid);
  writeFiles(root, files);
  return root;
}

/** Writes these files there, new ones or in place of what they were; all are the user's. */
export function writeFiles(root: string, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    const path = join(root, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text, { mode: 0o644 });
    for (let at = path; at !== root; at = dirname(at)) chownSync(at, testUser().uid, testUser().gid);
  }
}
