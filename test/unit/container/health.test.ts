import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Config } from '#base/api.ts';
import { healthSettings, readHealth } from '#container/health.ts';
import { lookAt, psRow } from '#container/view.ts';
import type { Store } from '#store/store.ts';
import { addContainer, recordOf, stateOf } from '#test/support/container.ts';
import { temporaryStore } from '#test/support/store.ts';

const runtime = () => ({
  exec: ({ id, process, pidFile = '' }: { id: string; process: string; pidFile?: string }) => [
    'crun',
    process,
    pidFile,
    id,
  ],
});

/** A container in the store whose root is there. */
function checked(store: Store, config: Partial<Config>, state = stateOf()) {
  const record = recordOf({ config });
  addContainer(store, record, state);
  mkdirSync(store.path('containers', record.id, 'merged'), { recursive: true });
  return record;
}

function settings(config: Partial<Config>) {
  const store = temporaryStore();
  const record = checked(store, config);
  const at = (name: string) => store.path('containers', record.id, name);
  return { pairs: healthSettings(store, record, runtime), at, id: record.id };
}

describe('what the monitor is told', () => {
  test('is the runtime’s words, where things are, and Docker’s defaults in milliseconds', () => {
    const { pairs, at, id } = settings({ Healthcheck: { Test: ['CMD-SHELL', 'true'] } });
    expect(pairs).toEqual([
      ['health', 'crun'],
      ['health', at('bundle/health.json')],
      ['health', at('health.pid')],
      ['health', id],
      ['health-record', at('health.json')],
      ['health-command', '/bin/sh -c true'],
      ['health-pid-file', at('health.pid')],
      ['health-log', at('health.log')],
      ['health-late', 'Health check exceeded timeout (30s)'],
      ['health-interval', 30_000],
      ['health-timeout', 30_000],
      ['health-start-period', 0],
      ['health-start-interval', 5_000],
      ['health-retries', 3],
      ['health-action', 'none'],
    ]);
  });

  test('is what the container asks for', () => {
    const times = { Interval: 1e6, Timeout: 90e9, StartPeriod: 2.5e9, StartInterval: 250e6, Retries: 7 };
    const { pairs } = settings({ Healthcheck: { Test: ['CMD', 'pg_isready', '-q'], ...times } });
    expect(Object.fromEntries(pairs)).toMatchObject({
      'health-command': 'pg_isready -q',
      'health-late': 'Health check exceeded timeout (1m30s)',
      'health-interval': 1,
      'health-timeout': 90_000,
      'health-start-period': 2500,
      'health-start-interval': 250,
      'health-retries': 7,
    });
  });

  test.each<[string, Partial<Config>]>([
    ['no check', {}],
    ['a check that was turned off', { Healthcheck: { Test: ['NONE'] } }],
    ['times without a check', { Healthcheck: { Interval: 1e9 } }],
    ['a check without a command', { Healthcheck: { Test: ['CMD'] } }],
    ['a kind of check that nobody knows', { Healthcheck: { Test: ['HTTP', '/'] } }],
  ])('is nothing with %s', (_what, config) => {
    expect(settings(config).pairs).toEqual([]);
  });

  test('each check is a process as the container’s own', () => {
    const { at } = settings({
      Healthcheck: { Test: ['CMD-SHELL', 'check it'] },
      Shell: ['/bin/ash', '-xc'],
      Env: ['A=b'],
      WorkingDir: '/srv',
      User: '5:6',
    });
    expect(JSON.parse(readFileSync(at('bundle/health.json'), 'utf8'))).toMatchObject({
      args: ['/bin/ash', '-xc', 'check it'],
      env: expect.arrayContaining(['A=b']),
      cwd: '/srv',
      user: { uid: 5, gid: 6 },
    });
  });
});

describe('what is known of a health', () => {
  const HEALTHY = { Status: 'healthy', FailingStreak: 0, Log: [] };
  const check = { Healthcheck: { Test: ['CMD', 'x'] } };

  function known(config: Partial<Config>, state = stateOf()) {
    const store = temporaryStore();
    const record = checked(store, config, state);
    writeFileSync(join(store.path('containers', record.id), 'health.json'), JSON.stringify(HEALTHY));
    return { store, record, state };
  }

  test('is what the monitor has written', () => {
    const { store, record, state } = known(check);
    expect(readHealth(store, record, state)).toEqual(HEALTHY);
  });

  test('is that one which has ended is not well', () => {
    const { store, record, state } = known(check, stateOf({ status: 'exited' }));
    expect(readHealth(store, record, state)?.Status).toBe('unhealthy');
    expect(psRow(lookAt(store, record), { truncate: true }).Status).toMatch(/^Exited/);
  });

  test('is nothing without a check, or before the first start', () => {
    const plain = known({});
    expect(readHealth(plain.store, plain.record, plain.state)).toBeUndefined();
    const made = known(check);
    expect(readHealth(made.store, made.record, undefined)).toBeUndefined();
  });
});
