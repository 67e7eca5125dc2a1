import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { RestartPolicy } from '#base/api.ts';
import type { ContainerRecord, State } from '#container/record.ts';
import { inOrder, neededBy, wantsStart } from '#engine/boot.ts';

const policy = (Name: RestartPolicy['Name'], MaximumRetryCount = 0) =>
  ({ hostConfig: { RestartPolicy: { Name, MaximumRetryCount } } }) as ContainerRecord;

const ended = (exitCode: number, more: Partial<State> = {}) =>
  ({ status: 'exited', exitCode, restartCount: 0, ...more }) as State;

interface Wish {
  needs?: string[];
  labels?: Record<string, string>;
  host?: object;
}

const record = (name: string, { needs = [], labels = {}, host = {} }: Wish = {}) =>
  ({
    id: `${name}-id`,
    name,
    config: { Labels: labels },
    hostConfig: { NetworkMode: 'bridge', PidMode: '', IpcMode: 'private', UTSMode: '', Links: null, ...host },
    extras: { requires: needs },
  }) as unknown as ContainerRecord;

const service = (name: string, project: string, needs = '') => ({
  'com.docker.compose.project': project,
  'com.docker.compose.service': name,
  'com.docker.compose.depends_on': needs,
});

/** The order in which the starts begin and end, when the earlier ones take longer. */
async function watch(records: ContainerRecord[]): Promise<string[]> {
  const seen: string[] = [];
  await inOrder(records, async ({ name }) => {
    seen.push(`+${name}`);
    await sleep(20 * (records.length - records.findIndex((one) => one.name === name)));
    seen.push(`-${name}`);
  });
  return seen;
}

describe('at the boot', () => {
  test.each<[string, ContainerRecord, State | undefined, boolean]>([
    ['no: one that ran', policy('no'), ended(255), false],
    ['always: one that ran', policy('always'), ended(255), true],
    ['always: one that ended well', policy('always'), ended(0), true],
    ['always: one that somebody stopped', policy('always'), ended(137, { stopped: true }), true],
    ['always: one that never ran', policy('always'), undefined, false],
    ['unless-stopped: one that ran', policy('unless-stopped'), ended(255), true],
    ['unless-stopped: one that somebody stopped', policy('unless-stopped'), ended(137, { stopped: true }), false],
    ['on-failure: one that ended well', policy('on-failure'), ended(0), false],
    ['on-failure: one that ran', policy('on-failure'), ended(255), true],
    ['on-failure:1: one that has failed twice', policy('on-failure', 1), ended(1, { restartCount: 1 }), false],
    ['on-failure:3: one that has failed twice', policy('on-failure', 3), ended(1, { restartCount: 1 }), true],
  ])('%s', (_what, container, state, isStarted) => {
    expect(wantsStart(container, state)).toBe(isStarted);
  });

  test('a container needs whose namespaces it shares, whom it links to, and whom it names', () => {
    const host = { NetworkMode: 'container:net', PidMode: 'container:pid', Links: ['/db:database'] };
    expect(neededBy(record('web', { host, needs: ['cache'] }))).toEqual(['net', 'pid', 'db', 'cache']);
  });

  test('a service of compose needs those that it depends on, of its project', () => {
    const labels = service('web', 'shop', 'db:service_healthy:false,cache:service_started:true');
    expect(neededBy(record('web', { labels }))).toEqual(['db/shop', 'cache/shop']);
  });

  test('containers start at once, but for those that need others', async () => {
    const seen = await watch([record('web', { needs: ['db-id'] }), record('db'), record('other')]);
    expect(seen.slice(0, 2).sort()).toEqual(['+db', '+other']);
    expect(seen.indexOf('+web')).toBeGreaterThan(seen.indexOf('-db'));
  });

  test('services of two projects do not wait for each other', async () => {
    const web = record('web', { labels: service('web', 'one', 'db:service_started:false') });
    const seen = await watch([
      web,
      record('db1', { labels: service('db', 'one') }),
      record('db2', { labels: service('db', 'two') }),
    ]);
    expect(seen.indexOf('+web')).toBeGreaterThan(seen.indexOf('-db1'));
    expect(seen).toHaveLength(6);
  });

  test('those that need each other start all the same, each once', async () => {
    const circle = [
      record('a', { needs: ['b'] }),
      record('b', { needs: ['c'] }),
      record('c', { needs: ['a'] }),
      record('d', { needs: ['c', 'd'] }),
    ];
    const seen = await watch(circle);
    expect(seen.filter((one) => one.startsWith('+')).sort()).toEqual(['+a', '+b', '+c', '+d']);
  });

  test('one that fails keeps nobody from starting', async () => {
    const begun: string[] = [];
    const starts = inOrder([record('web', { needs: ['db'] }), record('db')], async ({ name }) => {
      begun.push(name);
      if (name === 'db') throw new Error('no');
    });
    await expect(starts).rejects.toThrow('no');
    await sleep(5);
    expect(begun).toEqual(['db', 'web']);
  });
});
