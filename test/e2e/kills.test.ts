/** SIGKILL at a hundred moments, and what is there afterwards. `WHERRY_SEED=N` has the same kills once more. */
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hasCode } from '#base/error.ts';
import { type Random, random } from '#test/fuzz/random.ts';
import { inTurns, processesWith, stuckMounts } from '#test/support/load.ts';
import { testUser } from '#test/support/user.ts';
import { BUSYBOX, eventually, mendStore, startWherry, succeed, wherry } from '#test/support/wherry.ts';

const KILLS = 100;
const LANES = 4;
/** The first milliseconds of a command and of a container: all that is delicate happens in them. */
const LONGEST = 350;

const LINES = 80;
const STATUS = 7;
/** Among the arguments of every process in these containers. */
const MARK = `marked-${process.pid}`;
/** Writes lines, and after each one how many have been written so far, in a file of its own. */
const WRITER = `: ${MARK}; i=0; while [ $i -lt ${LINES} ]; do echo line $i; i=$((i+1)); echo $i > /written; usleep 1000; done; exit ${STATUS}`;
const SLEEPER = `: ${MARK}; sleep 1000; exit 9`;

const seed = Number(process.env.WHERRY_SEED ?? Date.now() % 1_000_000);
const store = () => join(testUser().home, '.local/share/wherry');

interface Victim {
  name: string;
  chance: Random;
}

beforeAll(() => mendStore());
afterAll(() => mendStore());

test(`a hundred kills at random moments leave nothing that the next command does not heal (WHERRY_SEED=${seed})`, async () => {
  const lanes = Array.from({ length: LANES }, (_, lane) => lane);
  await inTurns(lanes, LANES, async (lane) => {
    for (let index = lane; index < KILLS; index += LANES) {
      const chance = random(seed, index);
      const kill = chance.pick([killCommand, killCommand, killMonitor, killProcess]);
      await kill({ name: `victim${lane}`, chance });
      // Whatever has happened, the name is free for the next one.
      expect(await wherry(['rm', '-f', '-v', `victim${lane}`])).toMatchObject({ status: 0 });
    }
  });
  expect(await succeed('ps', '-aq')).toBe('');
  await eventually(
    () => [...processesWith(MARK), ...processesWith(join(store(), 'containers'))],
    (strays) => strays.length === 0,
  );
  await eventually(stuckMounts, (mounts) => mounts.length === 0);
  expect((await wherry(['system', 'check'])).stdout).toBe('No damage found\n');
});

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

const create = (name: string, script: string, ...options: string[]) =>
  succeed('create', '--name', name, '--network', 'none', ...options, BUSYBOX, 'sh', '-c', script);

/** Commands, with whether their container's lines and status are to be complete. */
const COMMANDS: { words: (name: string) => string[]; script?: string; started?: boolean; complete: boolean }[] = [
  { words: (name) => ['run', '--name', name, '--network', 'none', BUSYBOX, 'sh', '-c', WRITER], complete: true },
  { words: (name) => ['run', '-d', '--name', name, BUSYBOX, 'sh', '-c', WRITER], complete: true },
  { words: (name) => ['run', '-d', '--rm', '--name', name, BUSYBOX, 'sh', '-c', WRITER], complete: true },
  { words: (name) => ['create', '--name', name, '-v', '/data', BUSYBOX, 'true'], complete: false },
  { words: (name) => ['start', name], script: WRITER, complete: true },
  { words: (name) => ['start', '-a', name], script: WRITER, complete: true },
  { words: (name) => ['restart', '-t', '0', name], script: WRITER, started: true, complete: false },
  { words: (name) => ['stop', '-t', '0', name], script: SLEEPER, started: true, complete: false },
  { words: (name) => ['kill', name], script: SLEEPER, started: true, complete: false },
  { words: (name) => ['rm', '-f', '-v', name], script: SLEEPER, started: true, complete: false },
  {
    words: (name) => ['exec', name, 'sh', '-c', `: ${MARK}; sleep 0.1`],
    script: SLEEPER,
    started: true,
    complete: false,
  },
];

async function killCommand({ name, chance }: Victim): Promise<void> {
  const { words, script, started, complete } = chance.pick(COMMANDS);
  if (script !== undefined) await create(name, script, '-v', '/data');
  if (started) await succeed('start', name);
  const child = startWherry(words(name), { stdio: 'ignore' });
  const closed = once(child, 'close');
  await pause(chance.below(LONGEST));
  child.kill('SIGKILL');
  await closed;
  if (!complete) return;
  const status = await settled(name);
  // It goes on without its command, unless it never began.
  if (status === undefined || status === 'created 0') return;
  expect(status, words(name).join(' ')).toBe(`exited ${STATUS}`);
  // Its own end takes it away, and its log.
  if (!words(name).includes('--rm')) expect(await lines(name)).toBe(LINES);
}

/** In front or behind; gives the command's end. */
function startSomehow({ name, chance }: Victim): Promise<unknown> {
  const line = chance.pick([
    ['start', name],
    ['start', '-a', name],
  ]);
  return once(startWherry(line, { stdio: 'ignore' }), 'close');
}

/** By the container's own means: from its first process's start on. */
async function killProcess({ name, chance }: Victim): Promise<void> {
  const id = await create(name, WRITER);
  const closed = startSomehow({ name, chance });
  const pid = await eventually(
    () => firstProcess(id),
    (found) => found !== undefined,
  );
  await pause(chance.below(LONGEST));
  end(pid);
  await closed;
  expect(await settled(name)).toMatch(new RegExp(`^exited (137|${STATUS})$`));
  const written = join(store(), 'containers', id, 'upper/written');
  const count = existsSync(written) ? Number(readFileSync(written, 'latin1')) : 0;
  expect(await lines(name)).toBeGreaterThanOrEqual(count);
}

async function killMonitor({ name, chance }: Victim): Promise<void> {
  const id = await create(name, WRITER);
  const closed = startSomehow({ name, chance });
  const monitors = () => processesWith(`${id}/monitor.conf`);
  const monitor = await eventually(monitors, (found) => found.length > 0);
  await pause(chance.below(LONGEST));
  for (const { pid } of monitor) end(pid);
  await closed;
  // As Docker says of containers whose end it has not seen; or it had ended, or never began.
  expect(await settled(name)).toMatch(new RegExp(`^(exited (255|137|${STATUS})|created (0|128))\\b`));
  await lines(name);
}

/** The state, the exit status and why a start failed, when nothing runs any more; undefined where there is no such container. */
async function settled(name: string): Promise<string | undefined> {
  const look = () =>
    wherry(['inspect', '--type', 'container', '-f', '{{.State.Status}} {{.State.ExitCode}} {{.State.Error}}', name]);
  const { status, stdout } = await eventually(look, (seen) => !seen.stdout.startsWith('running'));
  return status === 0 ? stdout.trim() : undefined;
}

/** How many lines the log has; fails where one is missing or torn before the last one. */
async function lines(name: string): Promise<number> {
  const log = await succeed('logs', name);
  const found = log === '' ? [] : log.split('\n');
  expect(found).toEqual(found.map((_, index) => `line ${index}`));
  return found.length;
}

/** The first process of a container, when its state says so. */
function firstProcess(id: string): number | undefined {
  try {
    const { pid, status } = JSON.parse(readFileSync(join(store(), 'containers', id, 'state.json'), 'utf8'));
    return status === 'running' ? pid : status === 'exited' ? 0 : undefined;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function end(pid: number | undefined): void {
  try {
    if (pid) process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (!hasCode(error, 'ESRCH')) throw error;
  }
}
