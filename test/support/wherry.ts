/** wherry as the tests' ordinary user runs it: the installed command, in a clean login. */
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
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

/** Takes away every image of the tests' user with all its names. */
export async function removeImages(): Promise<void> {
  const { stdout } = await wherry(['images', '-q']);
  await wherry(['rmi', '-f', ...new Set(stdout.split('\n').filter(Boolean))]);
}

/** Takes away what killed commands left, in tests before this one or in a run of the tests that was cut off. */
export async function mendStore(): Promise<void> {
  await removeContainers();
  await succeed('system', 'check', '--repair');
}

/** As mendStore(), with the first start and the image that comes with the installation behind us. */
export async function readyStore(): Promise<void> {
  await mendStore();
  await succeed('run', '--rm', BUSYBOX, 'true');
}

/** The process that watches a running container: the parent of its first one. */
export async function monitorOf(container: string): Promise<number> {
  const pid = await succeed('inspect', '--format', '{{.State.Pid}}', container);
  return Number(/^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

/** Asks again until it is so: for what another process brings about. */
export async function eventually<T>(ask: () => Promise<T> | T, isSo: (value: T) => boolean): Promise<T> {
  for (;;) {
    const value = await ask();
    if (isSo(value)) return value;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Hears what a program says, both streams as they come; `seen` waits until that is so. */
export function listening(child: ChildProcess) {
  const said = { all: '' };
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (piece: string) => {
      said.all += piece;
    });
  }
  return { said, seen: (isSo: (all: string) => boolean) => eventually(() => said.all, isSo) };
}

/** Types a line into what `wherry …` runs on a terminal of its own, an echo of it, and then the keys, which end it. */
export async function typed(line: string, keys: string): Promise<void> {
  const words = ['-qec', `"${wherryPath()}" ${line}`, '/dev/null'];
  const child = testUser().start('script', words, { env: { TERM: 'xterm' } });
  const { seen } = listening(child);
  child.stdin?.write('hello\n');
  await seen((screen) => /hello\r\nhello/.test(screen));
  child.stdin?.write(keys);
  await once(child, 'close');
}
