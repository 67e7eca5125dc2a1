import { expect, test } from 'vitest';
import { makeProcess } from '#container/process.ts';
import { record, rootless } from '#test/support/requests.ts';

const identity = { uid: 0, gid: 0, additionalGids: [0], home: '/root' };
const wish = { args: ['sh'], terminal: false, identity, cwd: '' };

test('a further process has the environment of the container, and its own on top', () => {
  const { env, cwd } = makeProcess(record({ config: { Env: ['A=1', 'B=2'] } }), rootless, {
    ...wish,
    env: ['B=3', 'A'],
  });
  expect(env).toEqual([expect.stringMatching(/^PATH=/), 'HOSTNAME=c0ffee111111', 'B=3', 'HOME=/root']);
  expect(cwd).toBe('/');
});

test('a further process may be privileged where the container is not', () => {
  const { capabilities } = makeProcess(record(), rootless, { ...wish, privileged: true });
  expect(capabilities?.effective).toContain('CAP_SYS_ADMIN');
});

test('a limit above our own is refused with what is possible', () => {
  const Ulimits = [{ Name: 'nofile', Soft: 2 ** 40, Hard: 2 ** 40 }];
  expect(() => makeProcess(record({ host: { Ulimits } }), rootless, wish)).toThrow(
    /^Cannot set the ulimit nofile to 1099511627776: your own hard limit is \d+$/,
  );
});

test('a limit below our own is set', () => {
  const Ulimits = [{ Name: 'nofile', Soft: 10, Hard: 20 }];
  expect(makeProcess(record({ host: { Ulimits } }), rootless, wish).rlimits).toEqual([
    { type: 'RLIMIT_NOFILE', soft: 10, hard: 20 },
  ]);
});
