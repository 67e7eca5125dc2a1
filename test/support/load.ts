/** What tests under load share: work in lanes, numbers that can be had again, and what must not stay behind. */
import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { hasCode } from '#base/error.ts';
import { testUser } from '#test/support/user.ts';

/** Does the work for each item, so many at a time. */
export async function inTurns<T>(items: readonly T[], lanes: number, work: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items];
  const lane = async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

/** The mounts of containers in the namespace where the user's store is mounted. */
export async function stuckMounts(): Promise<string[]> {
  const holder = Number.parseInt(await readFile(`${testUser().runtimeDir}/wherry/holder`, 'latin1'), 10);
  const mounts = await readFile(`/proc/${holder}/mountinfo`, 'utf8');
  return mounts.split('\n').filter((line) => line.includes('/containers/'));
}

/** Processes with this word in their arguments. */
export function processesWith(word: string): { pid: number; line: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map((name) => ({ pid: Number(name), line: argumentsOf(name) }))
    .filter(({ line }) => line.includes(word));
}

function argumentsOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH', 'EACCES')) return '';
    throw error;
  }
}
