import { openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { frameReader, Gone, type Task, writeFrame } from '#store/frames.ts';
import { temporaryDirectory } from '#test/support/store.ts';

const task: Task = { directory: '/somewhere', namespace: 'user' };

/** What a parent has sent, in a file. */
function sent(send: (pipe: PassThrough) => void): number {
  const pipe = new PassThrough({ highWaterMark: 1e6 });
  send(pipe);
  const path = join(temporaryDirectory(), 'sent');
  writeFileSync(path, (pipe.read() as Buffer | null) ?? '');
  return openSync(path, 'r');
}

/** A task with its content as it goes through the pipe. */
function sendLayer(pipe: PassThrough, ...content: Buffer[]): void {
  writeFrame(pipe, Buffer.from(JSON.stringify(task)));
  for (const piece of content) writeFrame(pipe, piece);
  writeFrame(pipe, Buffer.alloc(0));
}

function receive(content: Iterable<Buffer>): Buffer {
  const pieces: Buffer[] = [];
  for (const piece of content) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces);
}

describe('frameReader()', () => {
  test.each([1, 7, 16, 65536, 1_000_000])('gives one task after the other, %d bytes at once', (size) => {
    const contents = [1, 3, 4, 5, 16, 17, 1000, 70_000].map((length) => Buffer.alloc(length, String(length)));
    const fd = sent((pipe) => {
      sendLayer(pipe, ...contents);
      sendLayer(pipe);
      sendLayer(pipe, Buffer.from('last'));
    });
    const reader = frameReader(fd, size);
    expect(reader.task()).toEqual(task);
    expect(receive(reader.content()).equals(Buffer.concat(contents))).toBe(true);
    expect(reader.task()).toEqual(task);
    expect(receive(reader.content()).length).toBe(0);
    expect(reader.task()).toEqual(task);
    expect(receive(reader.content()).toString()).toBe('last');
    expect(reader.task()).toBeUndefined();
  });

  test('tells a content that was cut off from one that has ended', () => {
    const fd = sent((pipe) => {
      writeFrame(pipe, Buffer.from(JSON.stringify(task)));
      writeFrame(pipe, Buffer.from('half'));
    });
    const reader = frameReader(fd);
    reader.task();
    expect(() => receive(reader.content())).toThrow(Gone);
  });
});
