import { expect, test } from 'vitest';
import { completions } from '#cli/complete.ts';

const words = async (...line: string[]) => (await completions(line)).map((answer) => answer.split('\t')[0]);

test('the first word is a command, by its beginning', async () => {
  expect(await words('sto')).toEqual(['stop']);
  expect(await words('')).toEqual(expect.arrayContaining(['run', 'ps', 'container']));
  expect(await words('--deb')).toEqual(['--debug']);
});

test('the second word after a group is one of its commands', async () => {
  expect(await words('container', 'st')).toEqual(['start', 'stop']);
  expect(await words('image', 'ls', 'x')).toEqual([]);
});

test('flags come with what they do', async () => {
  expect(await completions(['stop', '--sig'])).toEqual(['--signal\tSignal to send to the container']);
});

test('flags before the command are passed over, with their values', async () => {
  expect(await words('--log-level', 'debug', '-D', 'sto')).toEqual(['stop']);
});

test('no flags are offered where they would be the container command’s', async () => {
  expect(await words('run', '--name', 'x', '--inter')).toEqual(['--interactive']);
  expect(await words('run', '--name', 'x', 'busybox', '--inter')).toEqual([]);
  expect(await words('stop', '--', '--sig')).toEqual([]);
});

test('what is unknown has no answers', async () => {
  expect(await words('nope', '')).toEqual([]);
});
