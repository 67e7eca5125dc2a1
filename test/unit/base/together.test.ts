import { expect, test } from 'vitest';
import { together } from '#base/together.ts';

const tick = () => new Promise((resolve) => setImmediate(resolve));

test('no more than the limit are at work at once, and all are done', async () => {
  let now = 0;
  let most = 0;
  const done: number[] = [];
  await together([1, 2, 3, 4, 5], { limit: 2, stop: new AbortController() }, async (item) => {
    now += 1;
    most = Math.max(most, now);
    await tick();
    now -= 1;
    done.push(item);
  });
  expect(most).toBe(2);
  expect(done).toEqual([1, 2, 3, 4, 5]);
});

test('the first error ends the others, begins no more, and comes when they have ended', async () => {
  const stop = new AbortController();
  const begun: number[] = [];
  const ended: number[] = [];
  const all = together([1, 2, 3], { limit: 2, stop }, async (item) => {
    begun.push(item);
    if (item === 1) throw new Error('no');
    await tick();
    ended.push(item);
  });
  await expect(all).rejects.toThrow('no');
  expect(stop.signal.aborted).toBe(true);
  expect(begun).toEqual([1, 2]);
  expect(ended).toEqual([2]);
});
