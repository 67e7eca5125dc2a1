import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { frameReader, Gone, type Task, writeFrame } from '#store/frames.ts';

const task: Task = { directory: '/somewhere', namespace: 'user' };

/** A task with its content as it goes through the pipe. */
function send(pipe: PassThrough, ...content: Buffer[]): void {
  writeFrame(pipe, Buffer.from(JSON.stringify(task)));
  for (const piece of content) writeFrame(pipe, piece);
  writeFrame(pipe, Buffer.alloc(0));
}

async function receive(content: AsyncGenerator<Buffer>): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of content) pieces.push(piece);
  return Buffer.concat(pieces);
}

describe('frameReader()', () => {
  test('gives one task after the other with its content, whatever the pipe can hold', async () => {
    const contents = [1, 3, 4, 5, 16, 17, 1000, 70_000].map((size) => Buffer.alloc(size, String(size)));
    for (const highWaterMark of [1, 7, 16, 65536]) {
      const pipe = new PassThrough({ highWaterMark });
      const reader = frameReader(pipe);
      send(pipe, ...contents);
      send(pipe);
      send(pipe, Buffer.from('last'));
      pipe.end();
      expect(await reader.task()).toEqual(task);
      expect((await receive(reader.content())).equals(Buffer.concat(contents))).toBe(true);
      expect(await reader.task()).toEqual(task);
      expect((await receive(reader.content())).length).toBe(0);
      expect(await reader.task()).toEqual(task);
      expect((await receive(reader.content())).toString()).toBe('last');
      expect(await reader.task()).toBeUndefined();
    }
  });

  test('tells a content that was cut off from one that has ended', async () => {
    const pipe = new PassThrough();
    const reader = frameReader(pipe);
    writeFrame(pipe, Buffer.from(JSON.stringify(task)));
    writeFrame(pipe, Buffer.from('half'));
    pipe.end();
    await reader.task();
    await expect(receive(reader.content())).rejects.toBeInstanceOf(Gone);
  });
});
