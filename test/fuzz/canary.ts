/** A tree beside what is written, which nobody may touch. */
import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Makes it. */
export function plantCanary(directory: string): void {
  mkdirSync(join(directory, 'deep/er'), { recursive: true });
  mkdirSync(join(directory, 'closed'), { mode: 0o700 });
  writeFileSync(join(directory, 'file'), 'untouched', { mode: 0o600 });
  writeFileSync(join(directory, 'a'), 'as well');
  writeFileSync(join(directory, 'deep/er/a'), 'as well');
  symlinkSync('file', join(directory, 'l'));
}

/** All that can be seen of it: listing, content, modes, owners, and the times, of which the kernel sets one itself. */
export function lookAt(directory: string): string {
  const names = readdirSync(directory, { recursive: true }).map(String).sort();
  const lines = ['.', ...names].map((name) => {
    const path = join(directory, name);
    const { mode, uid, gid, size, nlink, mtimeNs, ctimeNs, rdev } = lstatSync(path, { bigint: true });
    const kind = Number(mode) & 0o170000;
    const content = kind === 0o100000 ? readFileSync(path) : kind === 0o120000 ? readlinkSync(path) : '';
    const digest = createHash('sha256').update(content).digest('hex');
    return [name, mode, uid, gid, size, nlink, mtimeNs, ctimeNs, rdev, digest].join(' ');
  });
  return lines.join('\n');
}
