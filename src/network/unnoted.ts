/**
 * A command that is killed between the start of the program that serves the tap and the line that notes it leaves one
 * that nobody knows: the tap is taken as long as it lives. Its arguments name the namespace, so it can be found.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { USER } from '#network/link.ts';
import { commandLine, isSameProcess, signalProcess, startTime } from '#sys/process.ts';

const SIGKILL = 9;
/** Milliseconds; a process that is killed is gone in one. */
const PATIENCE = 1000;

/** Ends what serves the namespace in this folder. The caller has the room. @returns was there anything? */
export async function endUnnoted(folder: string): Promise<boolean> {
  const place = join(folder, USER);
  const found = readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && servesTap(pid, place))
    .flatMap((pid) => ({ pid, start: startTime(pid) ?? 0 }));
  for (const { pid, start } of found) await signalProcess(pid, start, SIGKILL);
  const lives = () => found.some(({ pid, start }) => isSameProcess(pid, start));
  for (const deadline = Date.now() + PATIENCE; lives() && Date.now() < deadline; ) {
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  return found.length > 0;
}

function servesTap(pid: number, place: string): boolean {
  const [program = '', ...args] = commandLine(pid);
  return /(^|\/)(pasta|passt|slirp4netns)[^/]*$/.test(program) && args.includes(place);
}
