/** Containers for tests that start none: a record, a state, and somebody who answers like a monitor. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { onTestFinished } from 'vitest';
import { controlFrame, frameHeader, frameReader } from '#container/frames.ts';
import { reserveName } from '#container/names.ts';
import type { ContainerRecord, State } from '#container/record.ts';
import { NEVER, socketPath, writeState } from '#container/state.ts';
import type { Store } from '#store/store.ts';
import { startTime } from '#sys/process.ts';
import { plainConfig } from '#test/support/requests.ts';

type Change<T> = { [K in keyof T]?: Change<T[K]> };

/** A record as create makes it, with some of it changed. */
export function recordOf(change: Change<ContainerRecord> = {}): ContainerRecord {
  const base = {
    id: 'c'.repeat(64),
    name: 'web',
    created: '2026-01-02T03:04:05.000000000Z',
    image: { reference: 'busybox', id: `sha256:${'1'.repeat(64)}`, manifest: '', platform: 'linux/amd64', diffIds: [] },
    config: { ...plainConfig, Hostname: 'cccccccccccc', Cmd: ['sleep', '1000'] },
    hostConfig: {
      LogConfig: { Type: 'json-file', Config: {} },
      NetworkMode: 'bridge',
      RestartPolicy: { Name: 'no', MaximumRetryCount: 0 },
      ConsoleSize: [0, 0],
      Runtime: '',
    },
    path: 'sleep',
    args: ['1000'],
    mounts: [],
    networks: {},
    driver: 'overlay',
  };
  return merged(base, change) as ContainerRecord;
}

function merged(base: unknown, change: unknown): unknown {
  if (!isObject(base) || !isObject(change)) return change === undefined ? base : change;
  const keys = new Set([...Object.keys(base), ...Object.keys(change)]);
  return Object.fromEntries([...keys].map((key) => [key, merged(base[key], change[key])]));
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A state as the monitor would write it; this very process stands for the monitor. It names no process to be killed. */
export function stateOf(change: Partial<State> = {}): State {
  return {
    status: 'running',
    pid: 0,
    pidStart: 0,
    monitorPid: process.pid,
    monitorStart: startTime(process.pid) ?? 0,
    bootId: 'this-boot',
    startedAt: '2026-01-02T03:04:06.000000000Z',
    finishedAt: NEVER,
    exitCode: 0,
    oomKilled: false,
    restartCount: 0,
    error: '',
    ...change,
  };
}

/** Puts a container into the store. */
export function addContainer(store: Store, record: ContainerRecord, state?: State): ContainerRecord {
  mkdirSync(store.path('containers', record.id));
  writeFileSync(store.path('containers', record.id, 'container.json'), JSON.stringify(record));
  reserveName(store, record.name, record.id);
  if (state !== undefined) writeState(store, record.id, state);
  return record;
}

/** One client of a monitor that the test plays. */
export interface Client {
  say(text: string): void;
  write(kind: number, data: Buffer): void;
  hangUp(): void;
}

/** Answers on a container's socket; `hear` gets each word and each piece of input (`<…`). */
export async function playMonitor(
  store: Store,
  id: string,
  hear: (client: Client, text: string) => void,
): Promise<void> {
  const path = socketPath(store, id);
  mkdirSync(dirname(path), { recursive: true });
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    const client: Client = {
      say: (text) => void socket.write(controlFrame(text)),
      write: (kind, data) => {
        socket.write(frameHeader(kind, data.length));
        socket.write(data);
      },
      hangUp: () => void socket.end(),
    };
    socket.on(
      'data',
      frameReader({
        data: (_kind, part) => hear(client, `<${part.toString()}`),
        control: (text) => hear(client, text),
      }),
    );
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
}
