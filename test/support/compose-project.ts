/** A project of compose for one test. */
import { expect, onTestFinished } from 'vitest';
import { buildContext, writeFiles } from '#test/support/build-context.ts';
import { wherry } from '#test/support/wherry.ts';

/** A service's command that ends at once when it is told to. */
export const SLEEP = `["sh", "-c", "trap 'exit 0' TERM; sleep 1000 & wait"]`;

/** A project's directory with these files, which the user owns; what it has brought up goes with the test. */
export function project(files: Record<string, string>) {
  const root = buildContext(files);
  const write = (name: string, text: string) => writeFiles(root, { [name]: text });
  const compose = async (...args: string[]) => {
    const done = await wherry(['compose', ...args], { cwd: root });
    expect(done, `compose ${args.join(' ')}: ${done.stderr}`).toMatchObject({ status: 0 });
    return done.stdout.trim();
  };
  // Before the directory goes: the last one registered is called first.
  onTestFinished(async () => {
    await wherry(['compose', '--profile', '*', 'down', '-v', '--remove-orphans', '--rmi', 'local', '-t', '0'], {
      cwd: root,
    });
  });
  return { root, write, compose };
}
