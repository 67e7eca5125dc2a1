/** wherry as the tests' ordinary user runs it: the installed command, in a clean login. */
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { join } from 'node:path';
import { expect, inject } from 'vitest';
import { type Finished, type TestUser, testUser, type UserOptions } from '#test/support/user.ts';

/** The image that comes with the installation. */
export const BUSYBOX = 'localhost/busybox';

export const wherryPath = () => join(inject('prefix'), 'bin/wherry');

export interface WherryOptions extends UserOptions {
  user?: TestUser;
}

/** Runs `wherry …` to its end. */
export function wherry(
  args: readonly string[],
  { user = testUser(), ...options }: WherryOptions = {},
): Promise<Finished> {
  return user.run(wherryPath(), args, options);
}

/** As wherry(), for what has to succeed: gives the output without its last line feed. */
export async function succeed(...args: readonly string[]): Promise<string> {
  const done = await wherry(args);
  expect(done, `wherry ${args.join(' ')}: ${done.stderr}`).toMatchObject({ status: 0 });
  return done.stdout.replace(/\n$/, '');
}

/** Starts `wherry …` and gives its process; the caller ends it. */
export function startWherry(
  args: readonly string[],
  { user = testUser(), ...options }: WherryOptions & Pick<SpawnOptions, 'stdio'> = {},
): ChildProcess {
  return user.start(wherryPath(), args, options);
}

/** Ends and removes every container of the tests' user. */
export async function removeContainers(user?: TestUser): Promise<void> {
  const options = user === undefined ? {} : { user };
  const { stdout } = await wherry(['ps', '-aq'], options);
  const ids = stdout.split('\n').filter(Boolean);
  if (ids.length > 0) await wherry(['rm', '-f', '-v', ...ids], options);
}

/** Takes away what killed commands left, in tests before this one or in a run of the tests that was cut off. */
export async function mendStore(): Promise<void> {
  await removeContainers();
  await succeed('system', 'check', '--repair');
}

/** Asks again until it is so: for what another process brings about. */
export async function eventually<T>(ask: () => Promise<T> | T, isSo: (value: T) => boolean): Promise<T> {
  for (;;) {
    const value = await ask();
    if (isSo(value)) return value;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
