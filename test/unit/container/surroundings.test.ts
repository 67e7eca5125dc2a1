import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import type { State } from '#container/record.ts';
import { lookAround } from '#container/surroundings.ts';
import type { Store } from '#store/store.ts';
import { startTime } from '#sys/process.ts';
import { record, type Wish } from '#test/support/requests.ts';
import { temporaryDirectory, temporaryStore } from '#test/support/store.ts';

let store: Store;
let root: string;

beforeEach(() => {
  store = temporaryStore();
  root = temporaryDirectory();
});

const look = (wish: Wish = {}, mounts: Parameters<typeof record>[1] = []) =>
  lookAround(store, record(wish, mounts), root);

/** Another container, as it is kept; running as this very process, or not at all. */
function other(wish: Wish, running: boolean): string {
  const id = 'd'.repeat(64);
  mkdirSync(store.path('containers', id), { recursive: true });
  writeFileSync(store.path('containers', id, 'container.json'), JSON.stringify({ ...record(wish), id, name: 'other' }));
  if (!running) return id;
  const start = startTime(process.pid) ?? 0;
  const state: Partial<State> = {
    status: 'running',
    pid: process.pid,
    pidStart: start,
    monitorPid: process.pid,
    monitorStart: start,
    bootId: store.bootId,
  };
  writeFileSync(store.path('containers', id, 'state.json'), JSON.stringify(state));
  return id;
}

describe('the working directory', () => {
  test('is made where the image has none', () => {
    look({ config: { WorkingDir: '/srv/app' } });
    expect(statSync(join(root, 'srv/app')).isDirectory()).toBe(true);
  });

  test('is made inside the root, whatever a link says', () => {
    symlinkSync('/../../outside', join(root, 'srv'));
    look({ config: { WorkingDir: '/srv/app' } });
    expect(statSync(join(root, 'outside/app')).isDirectory()).toBe(true);
  });

  test('is refused where a file stands', () => {
    writeFileSync(join(root, 'srv'), '');
    for (const WorkingDir of ['/srv', '/srv/app']) {
      expect(() => look({ config: { WorkingDir } })).toThrow(`Cannot mkdir: ${WorkingDir} is not a directory`);
    }
  });

  test('is left to a volume that will be there', () => {
    const mounts = [{ Type: 'bind', Source: '/', Destination: '/srv', Mode: '', RW: true, Propagation: '' } as const];
    look({ config: { WorkingDir: '/srv/app' } }, mounts);
    expect(statSync(join(root, 'srv'), { throwIfNoEntry: false })).toBeUndefined();
  });
});

describe('namespaces of another container', () => {
  test('are found by its process', () => {
    const id = other({ config: { Hostname: 'theirs' }, host: { IpcMode: 'shareable' } }, true);
    const mode = `container:${id}`;
    const found = look({ host: { NetworkMode: mode, PidMode: mode, IpcMode: mode } });
    expect(found.namespaces).toEqual({
      network: `/proc/${process.pid}/ns/net`,
      pid: `/proc/${process.pid}/ns/pid`,
      ipc: `/proc/${process.pid}/ns/ipc`,
    });
    expect([found.hostname, found.shm]).toEqual(['theirs', store.path('containers', id, 'shm')]);
  });

  test('cannot be joined while it does not run', () => {
    const mode = `container:${other({}, false)}`;
    expect(() => look({ host: { PidMode: mode } })).toThrow(
      /^failed to join PID namespace: container d+ is not running$/,
    );
    expect(() => look({ host: { NetworkMode: mode } })).toThrow(
      'cannot join network namespace of a non running container: container other is created',
    );
  });

  test('for shared memory must be shared by it', () => {
    const mode = `container:${other({}, true)}`;
    expect(() => look({ host: { IpcMode: mode } })).toThrow(/non-shareable IPC \(hint: use IpcMode:shareable/);
  });
});

test('mounts are not passed on where the host does not share the mount', () => {
  const tags = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .find((line) => line.split(' ')[4] === '/proc');
  const mounts = [
    { Type: 'bind', Source: '/proc', Destination: '/p', Mode: '', RW: true, Propagation: 'rshared' } as const,
  ];
  if (tags?.includes('shared:')) expect(() => look({}, mounts)).not.toThrow();
  else expect(() => look({}, mounts)).toThrow('path /proc is mounted on /proc but it is not a shared mount');
});

test('the user is looked up in the root, and errors are those of Docker', () => {
  expect(look({ config: { User: '7:8' } }).identity).toMatchObject({ uid: 7, gid: 8 });
  expect(() => look({ config: { User: 'nobody' } })).toThrow('unable to find user nobody');
});
