/** native/monitor/stdio.c, output.c, input.c, outlet.c, clients.c: the ways between the container and the people. */
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream, openSync, readFileSync, writeFileSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import {
  type Client,
  collect,
  describeMonitor,
  feed,
  frame,
  makePlace,
  type Settings,
  startMonitor,
} from '#test/support/monitor.ts';

const MIB = 1 << 20;
const sum = (data: Uint8Array) => createHash('sha256').update(data).digest('hex');

describeMonitor((build) => {
  /** The sanitizer build is some ten times slower. */
  const large = build.name === 'plain' ? 100 * MIB : 12 * MIB;
  const start = (script: string, settings: Settings = {}) => startMonitor({ build, script, settings });

  describe("the command's own streams", () => {
    test('get every byte, in both directions, and so does the log', async () => {
      const data = randomBytes(large);
      const monitor = startMonitor({
        build,
        script: 'exec cat',
        settings: { direct: 7 },
        stdio: ['pipe', 'pipe', 'pipe'],
      });
      const output = collect(monitor.child.stdout);
      await feed(monitor.child.stdin as Writable, data);
      await monitor.hear('exit 0');
      monitor.say('done');
      expect(sum(await output)).toBe(sum(data));
      const ends = monitor.log().filter(({ log }) => log.endsWith('\n')).length;
      expect(ends).toBe(data.reduce((count, byte) => count + (byte === 10 ? 1 : 0), 0));
    });

    test('get every byte without a log, and error output apart', async () => {
      const data = randomBytes(8 * MIB);
      const monitor = startMonitor({
        build,
        script: 'cat; echo problem >&2',
        settings: { direct: 7, log: undefined },
        stdio: ['pipe', 'pipe', 'pipe'],
      });
      const [output, errors] = [collect(monitor.child.stdout), collect(monitor.child.stderr)];
      await feed(monitor.child.stdin as Writable, data);
      await monitor.hear('exit 0');
      monitor.say('done');
      expect(sum(await output)).toBe(sum(data));
      expect((await errors).toString()).toBe('problem\n');
    });

    test('may be files, which the container itself never gets', async () => {
      const place = makePlace();
      const data = randomBytes(3 * MIB);
      writeFileSync(place.at('in'), data);
      const monitor = startMonitor({
        build,
        place,
        script: 'cat; readlink /proc/self/fd/0 /proc/$$/fd/1 >&2',
        settings: { direct: 7 },
        stdio: [openSync(place.at('in'), 'r'), openSync(place.at('out'), 'w'), openSync(place.at('err'), 'w')],
      });
      await monitor.hear('exit');
      expect(sum(readFileSync(place.at('out')))).toBe(sum(data));
      expect(place.read('err')).toMatch(/^pipe:\[\d+\]\npipe:\[\d+\]\n$/);
    });

    test.each(['log', undefined])('that nobody reads any more do not stop the container (%s)', async (log) => {
      const monitor = startMonitor({
        build,
        script: 'i=0; while [ $i -lt 5000 ] && echo $i; do i=$((i+1)); done; exit $((i / 1000))',
        settings: { direct: 2, ...(log === undefined ? { stdin: 1 } : {}) },
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      await once(monitor.child.stdout as Readable, 'data');
      monitor.child.stdout?.destroy();
      expect(await monitor.hear('exit')).toBe('exit 5 0');
      expect(monitor.log()).toHaveLength(5000);
      expect(monitor.lines).toContain('broken 2');
    });

    test('hold the container back while they are not read, and `exit` comes after the last byte', async () => {
      const place = makePlace();
      const monitor = startMonitor({
        build,
        place,
        script: `head -c ${8 * MIB} /dev/zero | tr '\\0' x; echo > ${place.at('written')}`,
        settings: { direct: 2, 'log-max-size': MIB, 'log-max-file': 2 },
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      const stdout = monitor.child.stdout as Readable;
      await monitor.hear('started');
      await once(stdout, 'readable');
      expect(monitor.place.state().status).toBe('running');
      const output = collect(stdout);
      await place.file('written');
      await monitor.hear('exit');
      monitor.say('done');
      expect((await output).length).toBe(8 * MIB);
    });

    test('are let go when the command is killed', async () => {
      const monitor = startMonitor({
        build,
        script: 'echo one; read x; echo two',
        settings: { direct: 2, stdin: 1 },
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      const output = collect(monitor.child.stdout);
      await monitor.place.file('log', (text) => text.includes('one'));
      monitor.hangUp();
      expect((await output).toString()).toBe('one\n');
      const client = await monitor.client('attach 3');
      client.type('\n');
      await client.see('two');
    });

    test("that are pipes are the container's own, where nobody logs", async () => {
      const place = makePlace();
      const data = randomBytes(5 * MIB);
      writeFileSync(place.at('in'), data);
      const monitor = startMonitor({
        build,
        place,
        script: 'cat; readlink /proc/$$/fd/0 /proc/$$/fd/1 >&2',
        settings: { direct: 7, log: undefined },
        stdio: ['ignore', 'ignore', openSync(place.at('err'), 'w')],
        // The shells around it do not outlive a container that ends by itself.
        through: [
          'sh',
          '-c',
          `cat ${place.at('in')} | { readlink /proc/self/fd/0 >&2; "$@"; } | cat > ${place.at('out')}`,
          '-',
        ],
      });
      await monitor.hear('exit');
      monitor.say('done');
      await monitor.ended;
      expect(sum(readFileSync(place.at('out')))).toBe(sum(data));
      const [outside, inside] = place.read('err').split('\n');
      expect(inside).toBe(outside);
    });

    test('end with the container for those who write to it', async () => {
      const producer = spawn('yes', { stdio: ['ignore', 'pipe', 'ignore'] });
      const monitor = startMonitor({
        build,
        script: 'head -c 10',
        settings: { direct: 3 },
        stdio: [producer.stdout, 'pipe', 'ignore'],
      });
      const stopped = once(producer, 'exit');
      producer.stdout.destroy();
      const output = collect(monitor.child.stdout);
      await monitor.hear('exit');
      monitor.say('done');
      await stopped;
      expect((await output).toString()).toBe('y\ny\ny\ny\ny\n');
    });
  });

  describe('clients', () => {
    test('get every byte, in both directions', async () => {
      const data = randomBytes(large);
      const monitor = start('exec cat', { stdin: 1, 'stdin-once': 1, 'log-max-size': 4 * MIB, 'log-max-file': 2 });
      const client = await monitor.client('attach 7');
      for (let at = 0; at < data.length; at += MIB) {
        if (!client.type(data.subarray(at, at + MIB))) await once(client.socket, 'drain');
      }
      client.say('close-stdin');
      await client.hear('exit 0');
      expect(sum(client.output())).toBe(sum(data));
    });

    test('get output and error output in frames of their own, each what it asked for', async () => {
      const monitor = start('read x; echo out; echo err >&2', { stdin: 1 });
      const [both, errors, none] = [
        await monitor.client('attach 7'),
        await monitor.client('attach 4'),
        await monitor.client('wait'),
      ] as const;
      both.type('\n');
      for (const client of [both, errors, none]) await client.hear('exit 0');
      expect([both.output(1), both.output(2)].map(String)).toEqual(['out\n', 'err\n']);
      expect([errors.output(1), errors.output(2)].map(String)).toEqual(['', 'err\n']);
      expect([none.output(1), none.output(2)].map(String)).toEqual(['', '']);
    });

    test('come and go; all that are there see the same', async () => {
      const monitor = start('while read x; do echo "$x"; done', { stdin: 1 });
      const first = await monitor.client('attach 3');
      first.type('one\n');
      await first.see('one');
      const second = await monitor.client('attach 3');
      second.type('two\n');
      await Promise.all([first.see('two'), second.see('two')]);
      first.socket.destroy();
      second.type('three\n');
      await second.see('three');
      expect(second.output().toString()).toBe('two\nthree\n');
    });

    test('that do not read hold the others back, but nothing is lost; those that vanish do not', async () => {
      const size = 24 * MIB;
      const monitor = start(`head -c ${size} /dev/zero`, { 'await-client': 1, 'log-max-size': MIB, 'log-max-file': 2 });
      await monitor.hear('ready');
      const slow = await monitor.client('wait');
      slow.socket.pause();
      slow.say('attach 2');
      const gone = await monitor.client('wait');
      gone.socket.pause();
      gone.say('attach 2');
      const quick = await monitor.client('attach 2');
      await quick.see('\0');
      gone.socket.destroy();
      expect(monitor.place.state().status).toBe('running');
      slow.socket.resume();
      await Promise.all([quick.hear('exit'), slow.hear('exit')]);
      expect([quick.output().length, slow.output().length]).toEqual([size, size]);
    });

    test('that are behind get the rest even when all is cleaned up', async () => {
      // More than the socket takes, less than the container can write without being read.
      const size = 300 * 1024;
      const monitor = start(`head -c ${size} /dev/zero`, { 'await-client': 1 });
      await monitor.hear('ready');
      const slow = await monitor.client('wait');
      slow.socket.pause();
      slow.say('attach 2');
      monitor.hangUp();
      await monitor.place.file('cleaned');
      slow.socket.resume();
      await slow.hear('exit');
      expect(slow.output().length).toBe(size);
    });

    test.each<[string, (client: Client) => void]>([
      ['a frame of no known type', (client) => client.socket.write(Buffer.from([9, 0, 0, 0, 0, 0, 0, 1, 65]))],
      ['a word of control that is too long', (client) => client.say('x'.repeat(200))],
      ['an unknown word', (client) => client.say('explode')],
      ['an HTTP request', (client) => client.socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')],
    ])('that send %s are dropped', async (_what, misbehave) => {
      const monitor = start('read x; echo fine', { stdin: 1 });
      const bad = await monitor.client('attach 7');
      misbehave(bad);
      await bad.closed;
      const good = await monitor.client('attach 7');
      good.type('\n');
      await good.see('fine');
    });

    test('that vanish in the middle of a frame leave what they had sent', async () => {
      const monitor = start('read x; echo "got $x"', { stdin: 1 });
      const client = await monitor.client('attach 3');
      const other = await monitor.client('attach 2');
      client.socket.end(frame(0, 'half a frame\n, and no more').subarray(0, 21));
      await other.see('got half a frame');
    });

    test('may come in any pieces', async () => {
      const monitor = start('read x; echo "got $x"', { stdin: 1 });
      const client = await monitor.client('attach 3');
      client.socket.setNoDelay();
      for (const byte of Buffer.concat([frame(0, ''), frame(3, 'resize 10 20'), frame(0, 'in pieces\n')])) {
        await new Promise<void>((resolve) => client.socket.write(Buffer.from([byte]), () => resolve()));
      }
      await client.see('got in pieces');
    });

    test('after the end are told it', async () => {
      const monitor = start('exit 3');
      await monitor.hear('exit');
      const late = await monitor.client('attach 7', 'wait');
      expect(await late.hear('exit')).toBe('exit 3 0');
    });
  });

  describe('standard input', () => {
    test('ends with the client that it was made for', async () => {
      const monitor = start('cat; echo end', { stdin: 1, 'stdin-once': 1 });
      const [typist, reader] = [await monitor.client('attach 1'), await monitor.client('attach 2')];
      typist.type('text');
      typist.socket.destroy();
      await reader.see('textend\n');
    });

    test('stays open for the next client otherwise', async () => {
      const monitor = start('cat; echo end', { stdin: 1 });
      const first = await monitor.client('attach 3');
      first.type('a');
      first.say('close-stdin');
      await first.see('a');
      first.socket.destroy();
      const second = await monitor.client('attach 3');
      second.type('b');
      await second.see('b');
      expect(monitor.place.state().status).toBe('running');
    });

    test('is nothing where none was asked for', async () => {
      const monitor = start('cat; readlink /proc/$$/fd/0', { 'await-client': 1 });
      await monitor.hear('ready');
      const client = await monitor.client('attach 7');
      client.type('lost');
      await client.hear('exit');
      expect(client.output().toString()).toBe('/dev/null\n');
    });

    test('that the container does not read holds back who writes, and nobody else', async () => {
      const monitor = start('echo up; exec sleep 1000', { stdin: 1 });
      const writer = await monitor.client('attach 1');
      let sent = 0;
      while (writer.type(Buffer.alloc(MIB)) && sent < 64) sent++;
      expect(sent).toBeLessThan(64);
      const other = await monitor.client('attach 2', 'stop');
      await other.hear('stopping');
    });
  });

  describe('the end', () => {
    test('does not wait without end for others that still hold the output', async () => {
      const monitor = start('sleep 1000 & echo hello');
      expect(await monitor.hear('exit')).toBe('exit 0 0');
      expect(monitor.log().map(({ log }) => log)).toEqual(['hello\n']);
    });

    test('comes after everything that the container wrote', async () => {
      const monitor = startMonitor({
        build,
        script: `head -c ${3 * MIB} /dev/zero | tr '\\0' a; echo`,
        settings: { direct: 2 },
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      const target = monitor.place.at('out');
      (monitor.child.stdout as Readable).pipe(createWriteStream(target));
      await monitor.hear('exit');
      expect(monitor.log().reduce((size, { log }) => size + log.length, 0)).toBe(3 * MIB + 1);
    });
  });
});
