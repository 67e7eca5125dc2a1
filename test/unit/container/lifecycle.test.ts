import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, onTestFinished, test } from 'vitest';
import { forwardSignal, killContainer, stopContainer } from '#container/lifecycle.ts';
import { writeState } from '#container/state.ts';
import type { Store } from '#store/store.ts';
import { startTime } from '#sys/process.ts';
import { addContainer, playMonitor, recordOf, stateOf } from '#test/support/container.ts';
import { temporaryStore } from '#test/support/store.ts';

const record = recordOf();
interface Running {
  store: Store;
  process: ChildProcess;
  /** All words that the monitor got. */
  heard: string[];
}

/** A "container" that is one process of ours, whose monitor tells of its end as the real one does. */
async function running(command: string, change: Parameters<typeof recordOf>[0] = {}): Promise<Running> {
  const store = temporaryStore();
  const child = spawn('sh', ['-c', `${command}; echo ready; while :; do sleep 0.01; done`], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const ended = once(child, 'exit');
  if (child.stdout !== null) await once(child.stdout, 'data');
  // Its end is what a clean-up's end would be.
  const monitor = spawn('sleep', ['1000'], { stdio: 'ignore' });
  const [pid, monitorPid] = [child.pid ?? 0, monitor.pid ?? 0];
  const state = stateOf({
    pid,
    pidStart: startTime(pid) ?? 0,
    monitorPid,
    monitorStart: startTime(monitorPid) ?? 0,
  });
  let over = false;
  onTestFinished(() => {
    over = true;
    child.kill('SIGKILL');
    monitor.kill('SIGKILL');
  });
  addContainer(store, recordOf(change), state);
  const heard: string[] = [];
  await playMonitor(store, record.id, (client, word) => {
    heard.push(word);
    if (word === 'stop') client.say('stopping');
    void ended.then(([code, signal]) => {
      if (over) return;
      const status = code ?? (signal === 'SIGKILL' ? 137 : 143);
      writeState(store, record.id, { ...state, status: 'exited', exitCode: status });
      client.say(`exit ${status} 0`);
      monitor.kill('SIGKILL');
    });
  });
  return { store, process: child, heard };
}

describe('kill', () => {
  test('sends SIGKILL and waits for the end', async () => {
    const { store, process: child } = await running(':');
    await killContainer(store, 'web');
    expect(child.signalCode).toBe('SIGKILL');
  });

  test('sends another signal, and forbids the restart that it might bring about', async () => {
    const { store, process: child, heard } = await running('trap "exit 3" HUP');
    const ended = once(child, 'exit');
    await killContainer(store, 'web', 'HUP');
    expect((await ended)[0]).toBe(3);
    expect(heard).toEqual(['stop']);
  });

  test('leaves the restart policy alone for a signal that is not the one to stop it', async () => {
    const { store, heard } = await running('trap : HUP', { config: { StopSignal: 'QUIT' } });
    await killContainer(store, 'web', 'HUP');
    expect(heard).toEqual([]);
  });

  test.each([
    ['FOO', 'cannot kill container: web: invalid signal: FOO'],
    ['99', 'cannot kill container: web: the linux daemon does not support signal 99'],
  ])('refuses the signal %s', async (signal, words) => {
    const store = temporaryStore();
    addContainer(store, record, stateOf());
    await expect(killContainer(store, 'web', signal)).rejects.toThrow(words);
  });

  test('needs a container that runs', async () => {
    const store = temporaryStore();
    addContainer(store, record);
    await expect(killContainer(store, 'web')).rejects.toThrow(
      `cannot kill container: web: container ${record.id} is not running`,
    );
    await expect(killContainer(store, 'db')).rejects.toThrow('cannot kill container: db: No such container: db');
  });
});

describe('stop', () => {
  test.each([
    ['sends SIGTERM', 'trap "exit 4" TERM', {}, 4],
    ["sends the container's own signal", 'trap "exit 5" USR1', { config: { StopSignal: 'SIGUSR1' } }, 5],
  ])('%s', async (_what, command, change, status) => {
    const { store, process: child } = await running(command, change);
    await stopContainer(store, 'web', { timeout: -1 });
    expect(child.exitCode).toBe(status);
  });

  test('kills when the time is up', async () => {
    const { store, process: child } = await running('trap : TERM');
    await stopContainer(store, 'web', { timeout: 0 });
    expect(child.signalCode).toBe('SIGKILL');
  });

  test('can be aborted; the container goes on', async () => {
    const { store, process: child } = await running('trap "echo got" TERM');
    const abort = new AbortController();
    child.stdout?.once('data', () => abort.abort());
    await expect(stopContainer(store, 'web', { timeout: 3600, abort: abort.signal })).rejects.toThrow('abort');
    expect(child.exitCode).toBeNull();
  });

  test('has nothing to do for a container that does not run', async () => {
    const store = temporaryStore();
    addContainer(store, record);
    await stopContainer(store, 'web');
  });

  test('refuses a signal that is none', async () => {
    const store = temporaryStore();
    addContainer(store, record, stateOf());
    await expect(stopContainer(store, 'web', { signal: 'FOO' })).rejects.toThrow(
      'cannot stop container: web: invalid signal: FOO',
    );
  });
});

test('a forwarded signal goes to the process, and nowhere when there is none', async () => {
  const { store, process: child } = await running('trap "exit 6" INT');
  const ended = once(child, 'exit');
  await forwardSignal(store, record.id, 'SIGINT');
  expect((await ended)[0]).toBe(6);
  await forwardSignal(store, record.id, 'SIGINT');
});
