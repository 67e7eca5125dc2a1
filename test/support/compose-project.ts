/** A project of compose for one test. */
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { testUser } from '#test/support/user.ts';
import { wherry } from '#test/support/wherry.ts';

/** A project's directory with these files, which the user owns; what it has brought up goes with the test. */
export function project(files: Record<string, string>) {
  const root = mkdtempSync(join(tmpdir(), 'wherry-project-'));
  chmodSync(root, 0o755);
  const write = (name: string, text: string) => {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
    for (let path = join(root, name); path.startsWith(root); path = dirname(path)) {
      chownSync(path, testUser().uid, testUser().gid);
    }
  };
  for (const [name, text] of Object.entries(files)) write(name, text);
  const compose = async (...args: string[]) => {
    const done = await wherry(['compose', ...args], { cwd: root });
    expect(done, `compose ${args.join(' ')}: ${done.stderr}`).toMatchObject({ status: 0 });
    return done.stdout.trim();
  };
  onTestFinished(async () => {
    await wherry(['compose', '--profile', '*', 'down', '-v', '--remove-orphans', '--rmi', 'local', '-t', '0'], {
      cwd: root,
    });
    rmSync(root, { recursive: true, force: true });
  });
  return { root, write, compose };
}
