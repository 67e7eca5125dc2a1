import { appendFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { logPath } from '#container/logconfig.ts';
import { type LogOptions, readLogs } from '#container/logs.ts';
import { writeState } from '#container/state.ts';
import type { Store } from '#store/store.ts';
import { addContainer, recordOf, stateOf } from '#test/support/container.ts';
import { temporaryStore } from '#test/support/store.ts';

const { id } = recordOf();
const line = (text: string, second = 0) =>
  `${JSON.stringify({ log: `${text}\n`, stream: 'stdout', time: `2026-01-02T03:04:0${second}Z` })}\n`;

function storeWith(...files: string[]): Store {
  const store = temporaryStore();
  addContainer(store, recordOf());
  files.forEach((content, index) => {
    const number = files.length - 1 - index;
    writeFileSync(logPath(store, id) + (number === 0 ? '' : `.${number}`), content);
  });
  return store;
}

async function collect(store: Store, options: LogOptions = {}): Promise<string> {
  let all = '';
  for await (const entries of readLogs(store, 'web', options)) all += entries.map(({ log }) => log).join('');
  return all.replaceAll('\n', ' ').trim();
}

describe('logs', () => {
  test.each<[string, LogOptions, string]>([
    ['everything', {}, 'a b c d'],
    ['the last two', { tail: 2 }, 'c d'],
    ['the last three, from two files', { tail: 3 }, 'b c d'],
    ['none', { tail: 0 }, ''],
    ['more than there is', { tail: 99 }, 'a b c d'],
    ['what came since', { since: '2026-01-02T03:04:02.000000000Z' }, 'c d'],
    ['what came until', { until: '2026-01-02T03:04:01.000000000Z' }, 'a b'],
    ['what came between', { since: '2026-01-02T03:04:01.000000000Z', until: '2026-01-02T03:04:02.000000000Z' }, 'b c'],
  ])('show %s', async (_what, options, expected) => {
    const store = storeWith(line('a', 0) + line('b', 1), line('c', 2) + line('d', 3));
    expect(await collect(store, options)).toBe(expected);
  });

  test('a torn last line is passed over', async () => {
    expect(await collect(storeWith(`${line('a')}{"log":"b`))).toBe('a');
  });

  test('a last line without its end is shown when nothing more will come', async () => {
    expect(await collect(storeWith(line('a') + line('b').trim()))).toBe('a b');
  });

  test('a container that was never started has none', async () => {
    expect(await collect(storeWith())).toBe('');
  });

  test('there is nothing to read without a log', async () => {
    const store = temporaryStore();
    addContainer(store, recordOf({ hostConfig: { LogConfig: { Type: 'none' } } }));
    await expect(collect(store)).rejects.toThrow('configured logging driver does not support reading');
  });
});

describe('following', () => {
  test('goes on through rotations and ends with the container', async () => {
    const store = storeWith(line('a'));
    const path = logPath(store, id);
    writeState(store, id, stateOf());
    const shown: string[] = [];
    // Each line that is seen brings about the next one.
    const next: Record<string, () => void> = {
      a: () => appendFileSync(path, line('b')),
      b: () => {
        renameSync(path, `${path}.1`);
        writeFileSync(path, line('c'));
      },
      c: () => {
        appendFileSync(path, line('d'));
        writeState(store, id, stateOf({ status: 'exited' }));
      },
    };
    for await (const entries of readLogs(store, 'web', { follow: true })) {
      for (const { log } of entries) {
        shown.push(log.trim());
        next[log.trim()]?.();
      }
    }
    expect(shown).toEqual(['a', 'b', 'c', 'd']);
  });

  test('ends when the container is started anew, as with Docker', async () => {
    const store = storeWith(line('a'));
    writeState(store, id, stateOf());
    for await (const _ of readLogs(store, 'web', { follow: true })) {
      writeState(store, id, stateOf({ startedAt: '2026-01-03T00:00:00.000000000Z' }));
    }
  });

  test('ends at once where nothing runs', async () => {
    expect(await collect(storeWith(line('a')), { follow: true })).toBe('a');
  });

  test('ends when the container is removed', async () => {
    const store = storeWith(line('a'));
    writeState(store, id, stateOf());
    for await (const _ of readLogs(store, 'web', { follow: true })) {
      rmSync(store.path('containers', id), { recursive: true });
    }
  });

  test('can be aborted', async () => {
    const store = storeWith(line('a'));
    writeState(store, id, stateOf());
    const abort = new AbortController();
    const follow = async () => {
      for await (const _ of readLogs(store, 'web', { follow: true, abort: abort.signal })) abort.abort();
    };
    await expect(follow()).rejects.toThrow('abort');
  });
});
