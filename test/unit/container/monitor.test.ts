import { closeSync, readFileSync, writeSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { WherryError } from '#base/error.ts';
import { each, streamSettings, writeSettings } from '#container/monitor.ts';
import { converse, type Speaker, spawnMonitor } from '#container/monitor-talk.ts';
import { ended, socketPair, spawn } from '#sys/spawn.ts';
import { temporaryDirectory } from '#test/support/store.ts';

test('settings are lines; line feeds and backslashes in values are escaped', () => {
  const path = join(temporaryDirectory(), 'conf');
  writeSettings(path, [['id', 'x'], ...each('runtime', ['crun', 'a\\b\nc']), ['rows', 24]]);
  expect(readFileSync(path, 'utf8')).toBe('id x\nruntime crun\nruntime a\\\\b\\nc\nrows 24\n');
});

test('streams become a mask', () => {
  expect(streamSettings({ attach: { stdin: true, stdout: false, stderr: true } }, [24, 80])).toEqual([
    ['direct', 5],
    ['rows', 24],
    ['cols', 80],
    ['await-client', 0],
  ]);
  expect(streamSettings({ onReady: async () => undefined }, [0, 0])).toContainEqual(['await-client', 1]);
});

/** A shell that plays the monitor on descriptor 3. */
function played(script: string): Speaker {
  const [fd, its] = socketPair();
  const pid = spawn('/bin/sh', ['-c', script], { stdio: ['ignore', 'ignore', 'ignore', its] });
  closeSync(its);
  return { pid, fd };
}
const explain = (text: string) => new WherryError('unavailable', `explained: ${text}`);

describe('the talk with the monitor', () => {
  test('gives the pid, and the end when it comes', async () => {
    const monitor = await converse(played('echo "started 42" >&3; echo "exit 3 1" >&3; read done <&3'), { explain });
    expect(monitor.pid).toBe(42);
    expect(await monitor.exited).toEqual({ status: 3, oom: true });
    monitor.done();
  });

  test('passes words on', async () => {
    const script =
      'echo "started 1" >&3; read a <&3; read b <&3; [ "$a,$b" = "resize 24 80,stay" ]; echo "exit $? 0" >&3';
    const monitor = await converse(played(script), { explain });
    monitor.resize(24, 80);
    monitor.stay();
    expect(await monitor.exited).toEqual({ status: 0, oom: false });
  });

  test('fails with what the monitor says', async () => {
    const refused = converse(played('echo "error 127 no such thing" >&3'), { explain });
    await expect(refused).rejects.toThrow('explained: no such thing');
  });

  test('lets a client attach before the start', async () => {
    const child = played('echo ready >&3; read go <&3; echo "started 1" >&3; read x <&3');
    const monitor = await converse(child, {
      explain,
      // In truth the client's own socket sets it going.
      onReady: async () => void writeSync(child.fd, 'go\n'),
    });
    expect(monitor.pid).toBe(1);
    monitor.done();
  });

  test('kills a monitor whose client could not attach, so that nothing is started', async () => {
    const child = played('echo ready >&3; read x <&3; exit 0');
    const refused = converse(child, { explain, onReady: () => Promise.reject(new Error('no client')) });
    await expect(refused).rejects.toThrow('no client');
    expect(await ended(child.pid)).toBe(128 + constants.signals.SIGKILL);
  });

  test('fails when the monitor dies without a word', async () => {
    await expect(converse(played('exit 1'), { explain })).rejects.toThrow('ended before the container');
  });

  test('the end is unknown when the monitor dies later', async () => {
    const monitor = await converse(played('echo "started 1" >&3'), { explain });
    await expect(monitor.exited).rejects.toThrow('ended before the container');
  });

  test('a monitor that is not installed is told of', () => {
    vi.stubEnv('WHERRY_HOME', temporaryDirectory());
    onTestFinished(() => void vi.unstubAllEnvs());
    const start = () => spawnMonitor('conf', undefined, {});
    expect(start).toThrow('Cannot run "wherry-monitor": it is not installed');
  });
});
