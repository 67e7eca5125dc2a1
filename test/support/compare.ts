/** One command line, run by us and by Docker, and what of it has to be the same. */
import { join } from 'node:path';
import { expect, inject } from 'vitest';
import { bringImage, docker, dockerMeanwhile } from '#test/support/peers.ts';
import { type Finished, testUser } from '#test/support/user.ts';
import { BUSYBOX, removeContainers, succeed } from '#test/support/wherry.ts';

/** Through the `docker` link: the program calls itself docker then. */
export const ours = (args: readonly string[], input?: string): Promise<Finished> =>
  testUser().run(join(inject('prefix'), 'bin/docker'), args, input === undefined ? {} : { input });

/** The words of a line as a shell would give them; quotes are double ones, without escapes. */
export const wordsOf = (line: string): string[] =>
  [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, word]) => quoted ?? word ?? '');

/** What differs by nature: ids, times, names that were made up, the runtime; and our hints are ours. */
const BY_NATURE: [RegExp, string][] = [
  [/\b[0-9a-f]{64}\b/g, 'ID64'],
  [/\b[0-9a-f]{12}\b/g, 'ID12'],
  [/\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)/g, 'TIME'],
  [/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4} [A-Z]+/g, 'TIME'],
  [/\b(?:runc|crun) /g, 'RUNTIME '],
  [/(Up|Exited \(\d+\)) (?:Less than a second|About an? \w+|\d+ \w+)/g, '$1 WHILE'],
  [/(?:Less than a second|About an? \w+|\d+ \w+) ago/g, 'AGO'],
  [/\/\S+\/merged\//g, 'ROOT/'],
  // A column is as wide as its longest cell.
  [/ {3,}/g, '   '],
  [/^hint: .*\n/gm, ''],
];

/** The text without what differs by nature. */
export const plain = (text: string): string =>
  BY_NATURE.reduce((rest, [pattern, word]) => rest.replace(pattern, word), text);

/** A line as a shell would have it, or its words. */
type Line = string | readonly string[];

/** Runs the line here and there. */
export async function both(line: Line, input?: string): Promise<[own: Finished, theirs: Finished]> {
  const args = typeof line === 'string' ? wordsOf(line) : line;
  return [await ours(args, input), docker(args, input)];
}

/** As both(), at the same time: for lines that share no port and no file of the host. */
async function bothAtOnce(line: Line, input?: string): Promise<[own: Finished, theirs: Finished]> {
  const args = typeof line === 'string' ? wordsOf(line) : line;
  return Promise.all([ours(args, input), dockerMeanwhile(args, input)]);
}

/** Gives what runs a line here and there, and wants status, output and errors to be the same as SHOWN tells them. */
export function comparing(
  shown: (text: string) => string,
  running = both,
): (line: Line, input?: string) => Promise<void> {
  const comparable = ({ status, stdout, stderr }: Finished) => ({
    status,
    stdout: shown(stdout),
    stderr: shown(stderr),
  });
  return async (line, input) => {
    const [own, theirs] = await running(line, input);
    expect(comparable(own)).toEqual(comparable(theirs));
  };
}

/** The same but for what differs by nature. */
export const expectSame = comparing(plain);

/** As expectSame(), in half the time: for lines that share no port and no file of the host. */
export const expectSameAtOnce = comparing(plain, bothAtOnce);

/** Neither has one of these containers, both have the embedded image, and our first start is behind us. */
export async function setTheStage(names: readonly string[]): Promise<void> {
  await clearTheStage(names);
  await succeed('run', '--rm', BUSYBOX, 'true');
  bringImage(BUSYBOX, await succeed('image', 'inspect', '--format', '{{.Id}}', BUSYBOX));
}

export async function clearTheStage(names: readonly string[]): Promise<void> {
  docker(['rm', '-f', '-v', ...names]);
  await removeContainers();
}
