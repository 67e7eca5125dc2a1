import { mkdirSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { commandLine, describeState, listSeen, networkNames, psRow, seenIn } from '#container/view.ts';
import { addContainer, recordOf, stateOf } from '#test/support/container.ts';
import { temporaryStore } from '#test/support/store.ts';

const NOW = Date.parse('2026-01-02T03:06:06Z');

test.each([
  ['Created', undefined],
  ['Up 2 minutes', stateOf()],
  ['Up 2 minutes (Paused)', stateOf({ status: 'paused' })],
  ['Exited (3) 6 seconds ago', stateOf({ status: 'exited', exitCode: 3, finishedAt: '2026-01-02T03:06:00Z' })],
  ['Restarting (1) 6 seconds ago', stateOf({ status: 'restarting', exitCode: 1, finishedAt: '2026-01-02T03:06:00Z' })],
])('%s', (text, state) => {
  expect(describeState(state, NOW)).toBe(text);
});

test('arguments with a space are in quotes', () => {
  expect(commandLine(recordOf({ path: 'sh', args: ['-c', 'echo hi'] }))).toBe("sh -c 'echo hi'");
});

test.each([
  [{ bridge: {} }, 'bridge', ['bridge']],
  // Taken off all of them.
  [{}, 'bridge', []],
  [{}, 'pasta:-t,80', ['pasta']],
  [{}, 'ns:/x', []],
  [{}, 'host', ['host']],
  [{}, 'container:x', []],
  [{ back: {}, app: {} }, 'app', ['app', 'back']],
])('networks %j with the mode %s are %j', (networks, NetworkMode, names) => {
  expect(networkNames(recordOf({ networks, hostConfig: { NetworkMode } }))).toEqual(names);
});

describe('a row of ps', () => {
  const store = temporaryStore;
  const row = (change: Parameters<typeof recordOf>[0] = {}, truncate = true) =>
    psRow(seenIn(store(), recordOf(change), undefined), { truncate });

  test('has the fields of Docker in the order of its JSON', () => {
    expect(Object.keys(row())).toEqual(
      'Command CreatedAt ID Image Labels LocalVolumes Mounts Names Networks Platform Ports RunningFor Size State Status'.split(
        ' ',
      ),
    );
  });

  test.each([
    [['-c', 'echo hi; sleep 1'], '"sh -c \'echo hi; sle…"'],
    [['-c', 'a"b'], '"sh -c a\\"b"'],
    [['\n\t\u0007'], '"sh \\n\\t\\a"'],
    [['höß'], '"sh höß"'],
  ])('quotes the command %j', (args, text) => {
    expect(row({ path: 'sh', args }).Command).toBe(text);
  });

  test('cuts nothing off where that is not wanted', () => {
    const whole = row({ path: 'sh', args: ['-c', 'echo hi; sleep 1'] }, false);
    expect(whole.Command).toBe('"sh -c \'echo hi; sleep 1\'"');
    expect(whole.ID).toHaveLength(64);
  });

  test('names labels, and each of them by a method', () => {
    const labelled = row({ config: { Labels: { b: '2', a: '1', 'a.b': '3' } } }) as ReturnType<typeof row> & {
      Label(key: string): string;
    };
    expect(labelled.Labels).toBe('a.b=3,a=1,b=2');
    expect(labelled.Label('b')).toBe('2');
    expect(labelled.Label('z')).toBe('');
  });

  test('counts volumes and names mounts', () => {
    const mount = { Type: 'bind' as const, Destination: '/x', Mode: '', RW: true, Propagation: '' };
    const mounts = [
      { ...mount, Source: '/a/long/path/of/the/host' },
      { ...mount, Type: 'volume' as const, Name: 'vol1', Source: '/v', Driver: 'local' },
    ];
    expect(row({ mounts })).toMatchObject({ LocalVolumes: '1', Mounts: '/a/long/path/o…,vol1' });
  });

  test('measures only where that is asked for', () => {
    const seen = seenIn(store(), recordOf(), undefined);
    expect(psRow(seen, { truncate: true }).Size).toBe('0B');
    expect(psRow(seen, { truncate: true, size: () => ({ own: 2, image: 4_270_000 }) }).Size).toBe(
      '2B (virtual 4.27MB)',
    );
  });
});

describe('listSeen()', () => {
  test('gives what runs, newest first, and all where that is asked for', () => {
    const made = temporaryStore();
    const add = (name: string, day: number, state = stateOf()) =>
      addContainer(
        made,
        recordOf({ id: name[0]?.repeat(64) ?? '', name, created: `2026-01-0${day}T00:00:00Z` }),
        state,
      );
    add('aa', 1);
    add('bb', 3);
    add('dd', 2, stateOf({ status: 'exited' }));
    expect(listSeen(made).map(({ record }) => record.name)).toEqual(['bb', 'aa']);
    expect(listSeen(made, { all: true }).map(({ record }) => record.name)).toEqual(['bb', 'dd', 'aa']);
  });

  test('tells of a damaged state and lists the others', () => {
    const made = temporaryStore();
    addContainer(made, recordOf(), stateOf());
    mkdirSync(made.path('containers', 'd'.repeat(64)));
    writeFileSync(made.path('containers', 'd'.repeat(64), 'state.json'), '{');
    const told: string[] = [];
    expect(listSeen(made, { all: true, corrupt: ({ message }) => told.push(message) })).toHaveLength(1);
    expect(told[0]).toContain('state.json');
  });
});

test('ports are those of the running container, with what it exposes', () => {
  const made = temporaryStore();
  const record = addContainer(made, recordOf({ config: { ExposedPorts: { '99/tcp': {} } } }), stateOf());
  const network = {
    netns: '/x',
    endpoints: { bridge: { network: 'bridge', aliases: [], address: '172.17.0.2/16', gateway: '172.17.0.1' } },
    ports: { '80/tcp': [{ HostIp: '0.0.0.0', HostPort: '8080' }] },
  };
  writeFileSync(made.path('containers', record.id, 'network.json'), JSON.stringify(network));
  expect(psRow(seenIn(made, record, stateOf()), { truncate: true }).Ports).toBe('99/tcp, 0.0.0.0:8080->80/tcp');
});
