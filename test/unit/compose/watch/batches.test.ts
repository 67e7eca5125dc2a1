import { expect, test } from 'vitest';
import { batches } from '#compose/watch/batches.ts';

test('what changes in one go is one batch, each path once; what comes meanwhile is the next', async () => {
  const stop = new AbortController();
  const changes = batches(stop.signal, 5);
  for (const path of ['/a', '/b', '/a']) changes.add(path);
  const seen: string[][] = [];
  for await (const batch of changes.read()) {
    seen.push(batch);
    if (seen.length === 1) changes.add('/c');
    else stop.abort();
  }
  expect(seen).toEqual([['/a', '/b'], ['/c']]);
});

test('it ends when it is aborted, whatever is left', async () => {
  const stop = new AbortController();
  const changes = batches(stop.signal, 60_000);
  changes.add('/a');
  const reading = changes.read().next();
  stop.abort();
  expect((await reading).done).toBe(true);
});
