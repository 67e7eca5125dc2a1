import { once } from 'node:events';
import { PassThrough, Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { connectMonitor } from '#container/attach.ts';
import { FRAME } from '#container/frames.ts';
import { parseKeys } from '#container/keys.ts';
import { playMonitor } from '#test/support/container.ts';
import { temporaryStore } from '#test/support/store.ts';

const ID = 'c'.repeat(64);
const ALL = { stdin: true, stdout: true, stderr: true };
const NONE = { stdin: false, stdout: false, stderr: false };

class Collector extends Writable {
  readonly chunks: Buffer[] = [];

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.chunks.push(chunk);
    // Slower than who writes: what is said at the end must wait for it.
    setImmediate(done);
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString();
  }
}

const sinks = () => ({ stdin: new PassThrough(), stdout: new Collector(), stderr: new Collector() });

describe('attaching', () => {
  test('brings both outputs, and ends with the status when all is written', async () => {
    const store = temporaryStore();
    await playMonitor(store, ID, (client, word) => {
      if (word !== 'attach 7') return;
      client.say('attached');
      client.write(FRAME.stdout, Buffer.from('out'));
      client.write(FRAME.stderr, Buffer.from('err'));
      client.write(FRAME.stdout, Buffer.alloc(1_000_000, 'x'));
      client.say('exit 3 1');
    });
    const streams = sinks();
    const attachment = await connectMonitor(store, ID, { streams: ALL, ...streams });
    expect(await attachment?.ended).toEqual({ reason: 'exited', status: 3, oom: true });
    expect(streams.stdout.text).toBe(`out${'x'.repeat(1_000_000)}`);
    expect(streams.stderr.text).toBe('err');
  });

  test('sends input when told to, and its end', async () => {
    const store = temporaryStore();
    const heard: string[] = [];
    await playMonitor(store, ID, (client, word) => {
      heard.push(word);
      if (word === 'attach 7') client.say('attached');
      if (word === 'close-stdin') client.say('exit 0 0');
    });
    const streams = sinks();
    streams.stdin.end('early');
    const attachment = await connectMonitor(store, ID, { streams: ALL, ...streams });
    expect(heard).toEqual(['attach 7']);
    attachment?.sendInput();
    await attachment?.ended;
    expect(heard).toEqual(['attach 7', '<early', 'close-stdin']);
  });

  test('ends at the detach keys, which the container does not get', async () => {
    const store = temporaryStore();
    const heard: string[] = [];
    await playMonitor(store, ID, (client, word) => {
      heard.push(word);
      if (word === 'attach 7') client.say('attached');
    });
    const streams = sinks();
    const attachment = await connectMonitor(store, ID, { streams: ALL, ...streams, detachKeys: parseKeys('') });
    attachment?.sendInput();
    streams.stdin.write('ls\x10\x11');
    expect(await attachment?.ended).toEqual({ reason: 'detached' });
    attachment?.leave();
    expect(heard.join()).not.toContain('\x10');
  });

  test.each<[string, string | undefined, object]>([
    ['a restart', 'restarting', { reason: 'restarting' }],
    ['the loss of the monitor', undefined, { reason: 'lost' }],
  ])('tells of %s', async (_what, word, end) => {
    const store = temporaryStore();
    await playMonitor(store, ID, (client) => {
      client.say('attached');
      if (word === undefined) client.hangUp();
      else client.say(word);
    });
    const attachment = await connectMonitor(store, ID, { streams: NONE });
    expect(await attachment?.ended).toEqual(end);
  });

  test('passes the size of the terminal on', async () => {
    const store = temporaryStore();
    const sized = Promise.withResolvers<string>();
    await playMonitor(store, ID, (client, word) => {
      if (word.startsWith('attach')) client.say('attached');
      else sized.resolve(word);
    });
    const attachment = await connectMonitor(store, ID, { streams: ALL });
    attachment?.resize(24, 80);
    expect(await sized.promise).toBe('resize 24 80');
    attachment?.leave();
  });

  test('holds the container back while nobody takes its output', async () => {
    const store = temporaryStore();
    await playMonitor(store, ID, (client) => {
      client.say('attached');
      for (let part = 0; part < 50; part += 1) client.write(FRAME.stdout, Buffer.alloc(100_000));
      client.say('exit 0 0');
    });
    const stdout = new PassThrough({ highWaterMark: 1000 });
    const attachment = await connectMonitor(store, ID, { streams: ALL, stdout });
    await once(stdout, 'readable');
    expect(stdout.writableLength + stdout.readableLength).toBeLessThan(1_000_000);
    let size = 0;
    stdout.on('data', (chunk: Buffer) => {
      size += chunk.length;
    });
    await attachment?.ended;
    expect(size).toBe(5_000_000);
  });

  test('is not possible where there is no monitor', async () => {
    expect(await connectMonitor(temporaryStore(), ID, { streams: ALL })).toBeUndefined();
  });
});
