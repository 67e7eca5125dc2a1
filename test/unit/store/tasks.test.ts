import { openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { Gone, type Growth, type Task, taskReader, tell } from '#store/tasks.ts';
import { temporaryDirectory } from '#test/support/store.ts';

const task: Task = { directory: '/some where/é\n', namespace: 'user', blob: '/b', forget: true, plain: false };

/** What a parent has sent, in a file. */
function sent(...messages: (Task | Growth)[]): number {
  const pipe = new PassThrough({ highWaterMark: 1e6 });
  for (const message of messages) tell(pipe, message);
  const path = join(temporaryDirectory(), 'sent');
  writeFileSync(path, (pipe.read() as Buffer | null) ?? '');
  return openSync(path, 'r');
}

describe('taskReader()', () => {
  test.each([1, 7, 16, 4096])('gives one task after the other with what grows, %d bytes at once', (size) => {
    const half = { size: 70_000, whole: false };
    const all = { size: 5_000_000_000, whole: true };
    const reader = taskReader(sent(task, half, all, task, all), size);
    expect(reader.task()).toEqual(task);
    expect(reader.growth()).toEqual(half);
    expect(reader.growth()).toEqual(all);
    expect(reader.task()).toEqual(task);
    expect(reader.growth()).toEqual(all);
    expect(reader.task()).toBeUndefined();
  });

  test('tells a blob that was cut off from one that has ended', () => {
    const reader = taskReader(sent(task, { size: 1, whole: false }));
    reader.task();
    reader.growth();
    expect(() => reader.growth()).toThrow(Gone);
  });
});
