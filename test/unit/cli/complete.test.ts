import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { completions } from '#cli/complete.ts';
import { addContainer, recordOf } from '#test/support/container.ts';
import { temporaryStore } from '#test/support/store.ts';

let store: ReturnType<typeof temporaryStore>;
beforeEach(() => {
  store = temporaryStore();
  vi.stubEnv('WHERRY_ROOT', store.root);
});
afterEach(() => vi.unstubAllEnvs());

const words = async (...line: string[]) => (await completions(line)).map((answer) => answer.split('\t')[0]);

test('the first word is a command, by its beginning', async () => {
  expect(await words('sto')).toEqual(['stop']);
  expect(await words('')).toEqual(expect.arrayContaining(['run', 'ps', 'container']));
  expect(await words('--deb')).toEqual(['--debug']);
});

test('the second word after a group is one of its commands', async () => {
  expect(await words('container', 'sto')).toEqual(['stop']);
  expect(await words('network', 'x')).toEqual([]);
});

test('flags come with what they do', async () => {
  expect(await completions(['stop', '--sig'])).toEqual(['--signal\tSignal to send to the container']);
});

test('flags before the command are passed over, with their values', async () => {
  expect(await words('--log-level', 'debug', '-D', 'sto')).toEqual(['stop']);
});

test('a group’s own flags are offered before its commands, and passed over', async () => {
  expect(await words('compose', '-f', 'x.yaml', 'conf')).toEqual(['config']);
  expect(await words('compose', '--project-n')).toEqual(['--project-name']);
  expect(await words('compose', '-p', 'x', 'config', '--hash', '*', '--serv')).toEqual(['--services']);
});

test('no flags are offered where they would be the container command’s', async () => {
  expect(await words('run', '--name', 'x', '--inter')).toEqual(['--interactive']);
  expect(await words('run', '--name', 'x', 'busybox', '--inter')).toEqual([]);
  expect(await words('stop', '--', '--sig')).toEqual([]);
});

test('what is unknown has no answers', async () => {
  expect(await words('nope', '')).toEqual([]);
});

test('containers are completed by name, where the usage has a container', async () => {
  addContainer(store, recordOf({ name: 'web' }));
  expect(await completions(['rm', 'w'])).toEqual(['web\tbusybox']);
  expect(await words('start', '')).toEqual(['web']);
  expect(await words('stop', '')).toEqual([]);
  expect(await words('rm', 'web', '')).toEqual([]);
  expect(await words('logs', '--tail', '5', '')).toEqual(['web']);
  expect(await words('logs', 'web', '')).toEqual([]);
  expect(await words('cp', 'w')).toEqual(['web:']);
});

test.each([
  [['run', '--restart', 'on'], ['on-failure']],
  [['run', '--restart=on'], ['--restart=on-failure']],
  [['run', '--network', 'h'], ['host']],
  [['run', '--pid', 'container:'], ['container:web']],
  [['run', '-it', '--volumes-from', ''], ['web']],
  [['ps', '--filter', 'health=un'], ['health=unhealthy']],
  [['ps', '-f', 'sta'], ['status=']],
  [['--log-level', 'w'], ['warn']],
  [['run', '--env-file', ''], []],
  [['network', 'create', ''], []],
  [['context', 'use', ''], ['default']],
  [['help', 'container', 'renam'], ['rename']],
])('%j is answered by %j', async (line, answers) => {
  addContainer(store, recordOf({ name: 'web' }));
  expect(await words(...line)).toEqual(answers);
});

test('a store that is damaged has no answers, and no errors', async () => {
  vi.stubEnv('WHERRY_ROOT', '/proc/nothing');
  expect(await words('rm', '')).toEqual([]);
});
