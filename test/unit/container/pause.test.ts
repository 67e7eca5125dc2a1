import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readlinkSync } from 'node:fs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { killContainer } from '#container/lifecycle.ts';
import { pauseContainer, unpauseContainer } from '#container/pause.ts';
import { membersOf } from '#container/processes.ts';
import type { State } from '#container/record.ts';
import { readState, writeState } from '#container/state.ts';
import type { Store } from '#store/store.ts';
import { readText } from '#sys/file.ts';
import { startTime } from '#sys/process.ts';
import { addContainer, playMonitor, recordOf, stateOf } from '#test/support/container.ts';
import { temporaryStore } from '#test/support/store.ts';

/** In namespaces of its own, as a container is; the shells inside stand for its processes. */
const APART = ['--user', '--map-root-user', '--mount'];
const cannot = spawnSync('unshare', [...APART, 'true']).status === 0 ? undefined : 'no user namespaces here';

const record = recordOf();
const namespaceOf = (pid: number) => readlinkSync(`/proc/${pid}/ns/mnt`);
/** R, S, T … (proc_pid_stat(5)); empty when it has gone. */
const letterOf = (pid: number) => (readText(`/proc/${pid}/stat`) ?? '').replace(/^.*\) /s, '').charAt(0);

interface Running {
  store: Store;
  first: ChildProcess & { pid: number };
}

async function running(script: string, signal = ''): Promise<Running> {
  const store = temporaryStore();
  const first = spawn('unshare', [...APART, 'sh', '-c', `${script}\necho ready\nwhile :; do sleep 0.01; done`], {
    stdio: ['ignore', 'pipe', 'ignore'],
    detached: true,
  }) as Running['first'];
  onTestFinished(() => void process.kill(-first.pid, 'SIGKILL'));
  if (first.stdout !== null) await once(first.stdout, 'data');
  if (namespaceOf(first.pid) === namespaceOf(process.pid)) throw new Error('this would stop the tests themselves');
  const state: State = stateOf({ pid: first.pid, pidStart: startTime(first.pid) ?? 0 });
  addContainer(store, recordOf({ config: { StopSignal: signal } }), state);
  await playMonitor(store, record.id, (client, word) => {
    if (word === 'stop') client.say('stopping');
    if (word !== 'pause' && word !== 'unpause') return;
    writeState(store, record.id, { ...state, status: word === 'pause' ? 'paused' : 'running' });
    client.say(word);
  });
  return { store, first };
}

const statusOf = (store: Store) => readState(store, record.id)?.status;

describe.skipIf(cannot !== undefined)(`without a cgroup (${cannot ?? 'here'})`, () => {
  test('pause stops every process, also in namespaces that were made inside, and unpause continues them', async () => {
    const { store, first } = await running('(while :; do sleep 0.01; done) & unshare --mount sleep 1000 &');
    expect(await pauseContainer(store, 'web')).toBe('signals');
    expect(statusOf(store)).toBe('paused');
    const members = membersOf(first.pid);
    expect(members.length).toBeGreaterThanOrEqual(3);
    // D: a shell that waits for its child to exec, which is stopped; it will stop itself before it goes on.
    expect(members.map(letterOf).filter((letter) => !/[TZD]/.test(letter))).toEqual([]);
    await unpauseContainer(store, 'web');
    expect(statusOf(store)).toBe('running');
    expect(members.filter((pid) => letterOf(pid) === 'T')).toEqual([]);
  });

  test('who was just starting a program goes on, too', async () => {
    const { store, first } = await running('for one in 1 2 3 4; do (while :; do /bin/true; done) & done');
    for (let time = 0; time < 8; time += 1) {
      await pauseContainer(store, 'web');
      await unpauseContainer(store, 'web');
      // One that was left behind stops when its child has begun.
      await new Promise((resolve) => setTimeout(resolve, 10));
      expect(membersOf(first.pid).filter((pid) => letterOf(pid) === 'T')).toEqual([]);
    }
  });

  test('what was stopped before stays so', async () => {
    const { store, first } = await running(
      'sleep 1000 & kill -STOP $!; while ! grep -q "T (stopped)" /proc/$!/status; do :; done',
    );
    const [stopped = 0] = membersOf(first.pid).filter((pid) => letterOf(pid) === 'T');
    await pauseContainer(store, 'web');
    await unpauseContainer(store, 'web');
    expect(letterOf(stopped)).toBe('T');
    expect(letterOf(first.pid)).not.toBe('T');
  });

  test('pausing twice and continuing twice are refused in the words of Docker', async () => {
    const { store } = await running(':');
    await pauseContainer(store, 'web');
    await expect(pauseContainer(store, 'web')).rejects.toThrow(`Container ${record.id} is already paused`);
    await unpauseContainer(store, 'web');
    await expect(unpauseContainer(store, 'web')).rejects.toThrow(`Container ${record.id} is not paused`);
  });

  test('a signal that may end a paused container lets it go on', async () => {
    const { store } = await running('trap "" USR1');
    await pauseContainer(store, 'web');
    await killContainer(store, 'web', 'USR1');
    expect(statusOf(store)).toBe('running');
  });

  test('a signal that is not its stop signal leaves it paused', async () => {
    const { store } = await running('trap "" USR1', 'SIGTERM');
    await pauseContainer(store, 'web');
    await killContainer(store, 'web', 'USR1');
    expect(statusOf(store)).toBe('paused');
  });
});

test.each([
  [undefined, `container ${record.id} is not running`],
  ['exited', `container ${record.id} is not running`],
  ['restarting', `Container ${record.id} is restarting, wait until the container is running`],
] as const)('a container whose state is %s is not paused', async (status, message) => {
  const store = temporaryStore();
  addContainer(store, record, status === undefined ? undefined : stateOf({ status }));
  await expect(pauseContainer(store, 'web')).rejects.toThrow(message);
  await expect(unpauseContainer(store, 'web')).rejects.toThrow(`Container ${record.id} is not paused`);
});
