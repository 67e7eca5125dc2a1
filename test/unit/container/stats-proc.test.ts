import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { labelled, networkUsage, processUsage } from '#container/stats-proc.ts';

test.each([
  ['Pss:                 12 kB', 'Pss', 12],
  ['a 1\nusage_usec 55\nb 2', 'usage_usec', 55],
  ['inactive_file 9\ntotal_inactive_file 7', 'total_inactive_file', 7],
  ['', 'Pss', 0],
])('in %j, %s is %i', (text, name, value) => {
  expect(labelled(text, name)).toBe(value);
});

test('what a process and the children that it waited for used is counted', async () => {
  const script = 'i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; echo done; sleep 1000';
  const child = spawn('sh', ['-c', `(${script.replace('; sleep 1000', '')}); sleep 1000`], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  if (child.stdout !== null) await once(child.stdout, 'data');
  await new Promise((resolve) => setTimeout(resolve, 50));
  const usage = processUsage([child.pid ?? 0]);
  expect(usage.cpu).toBeGreaterThan(20e6);
  expect(usage.memory).toBeGreaterThan(50_000);
  expect(usage.pids).toBe(1);
});

test('a process that has gone counts for nothing', () => {
  expect(processUsage([2 ** 22 + 1])).toEqual({ cpu: 0, memory: 0, read: 0, written: 0, pids: 0 });
  expect(networkUsage(2 ** 22 + 1)).toEqual({ received: 0, sent: 0 });
});
