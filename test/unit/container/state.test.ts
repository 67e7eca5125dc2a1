import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { State } from '#container/record.ts';
import { isRunning, readState, timestamp, writeState } from '#container/state.ts';
import type { Store } from '#store/store.ts';
import { lock } from '#sys/file.ts';
import { startTime } from '#sys/process.ts';
import { stateOf } from '#test/support/container.ts';
import { temporaryStore } from '#test/support/store.ts';

const ID = 'c'.repeat(64);

function storeWith(state: State | undefined): Store {
  const store = temporaryStore();
  mkdirSync(store.path('containers', ID));
  if (state !== undefined) writeState(store, ID, state);
  return store;
}

describe('readState()', () => {
  test('a container that was never started has none', () => {
    expect(readState(storeWith(undefined), ID)).toBeUndefined();
    expect(isRunning(undefined)).toBe(false);
  });

  test('what a living monitor says is believed', () => {
    const state = stateOf();
    expect(readState(storeWith(state), ID)).toEqual(state);
    expect(isRunning(state)).toBe(true);
  });

  test.each([
    ['whose monitor has died', { monitorPid: 999_999_999 }],
    ['whose monitor’s number went to another process', { monitorStart: 1 }],
    ['of another boot', { bootId: 'another-boot' }],
  ])('a container %s has ended with 255, and stays so', (_what, change) => {
    const store = storeWith(stateOf(change));
    const healed = readState(store, ID);
    expect(healed).toMatchObject({ status: 'exited', exitCode: 255, pid: 0 });
    expect(Date.parse(healed?.finishedAt ?? '')).toBeGreaterThan(0);
    expect(readState(store, ID)).toEqual(healed);
  });

  test('the end that a monitor has noted stands, whoever lives', () => {
    const state = stateOf({ status: 'exited', exitCode: 3, monitorPid: 999_999_999 });
    expect(readState(storeWith(state), ID)).toEqual(state);
  });

  test('nothing is written while another works on the container', async () => {
    const store = storeWith(stateOf({ monitorPid: 999_999_999 }));
    using _held = await lock(store.path('containers', ID));
    expect(readState(store, ID)?.exitCode).toBe(255);
    expect(JSON.parse(readFileSync(store.path('containers', ID, 'state.json'), 'utf8'))).toMatchObject({
      status: 'running',
    });
  });

  test('a process that outlived its monitor is killed', async () => {
    const orphan = spawn('sleep', ['1000'], { stdio: 'ignore' });
    const ended = once(orphan, 'exit');
    const pid = orphan.pid ?? 0;
    readState(storeWith(stateOf({ monitorPid: 999_999_999, pid, pidStart: startTime(pid) ?? 0 })), ID);
    expect((await ended)[1]).toBe('SIGKILL');
  });

  test('a process that only has the number is left alone', () => {
    readState(storeWith(stateOf({ monitorPid: 999_999_999, pid: process.pid, pidStart: 1 })), ID);
  });
});

test('moments have nine digits', () => {
  expect(timestamp(Date.UTC(2026, 0, 2, 3, 4, 5, 6))).toBe('2026-01-02T03:04:05.006000000Z');
});
