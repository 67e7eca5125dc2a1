import { describe, expect, test } from 'vitest';
import { parseFlags } from '#cli/parse.ts';
import { EXTRA_FLAGS, type ExtraValues, extrasFrom, hostEnvironment, parseSecret } from '#cli/run-extras.ts';

const valuesOf = (...words: string[]) =>
  parseFlags([...words, 'busybox'], EXTRA_FLAGS, { interspersed: false }).values as unknown as ExtraValues;
const extrasOf = (...words: string[]) => extrasFrom(valuesOf(...words), ['/image']);

test('nothing is kept where nothing was asked for', () => {
  expect(extrasOf()).toBeUndefined();
  expect(extrasOf('--systemd', 'false', '--image-volume', 'anonymous')).toBeUndefined();
});

test.each([
  [['--umask', '27'], { umask: 0o27 }],
  [['--unsetenv', 'A', '--unsetenv', 'B'], { unsetEnv: ['A', 'B'] }],
  [['--unsetenv-all', '--unsetenv', 'B'], { unsetEnv: true }],
  [['--uidmap', '0:1:2,5:6:7'], { idmaps: { uids: ['0:1:2', '5:6:7'], gids: [] } }],
  [['--hostuser', 'a,b'], { accounts: { hostUsers: ['a', 'b'] } }],
  [['--passwd-entry', 'x'], { accounts: { hostUsers: [], passwd: 'x' } }],
  [['--rootfs'], { rootfs: { path: '/image', overlay: false } }],
  [['--requires', 'a,b'], { requires: ['a', 'b'] }],
  [['--health-on-failure', 'restart'], { healthAction: 'restart' }],
  [['--systemd', 'always'], { systemd: 'always' }],
])('%j is %j', (words, extras) => {
  expect(extrasOf(...words)).toEqual(extras);
});

test('what of the host’s environment comes in is asked for, and none of what the launcher puts there', () => {
  const env = { A: '1', http_proxy: 'p', NO_PROXY: 'q', WHERRY_UID: '5' };
  expect(hostEnvironment(valuesOf(), env)).toEqual([]);
  expect(hostEnvironment(valuesOf('--http-proxy'), env)).toEqual(['http_proxy=p', 'NO_PROXY=q']);
  expect(hostEnvironment(valuesOf('--env-host'), env)).toEqual(['A=1', 'http_proxy=p', 'NO_PROXY=q']);
});

describe('--secret', () => {
  test.each([
    ['a', { target: 'a', type: 'mount', mode: 0o444 }],
    ['a,target=/b,mode=0400,uid=5,gid=6', { target: '/b', mode: 0o400, uid: 5, gid: 6 }],
    ['source=a,type=env,target=B', { source: 'a', target: 'B', type: 'env' }],
  ])('%s is read', (text, use) => {
    expect(parseSecret(text)).toMatchObject(use);
  });

  test.each(['', 'a,b', 'a,type=x', 'a,mode=9', 'a,uid=x', 'a,target='])('%j is refused', (text) => {
    expect(() => parseSecret(text)).toThrow(/no secret name given|invalid secret option/);
  });
});

test.each([
  [['--umask', '9'], 'invalid umask string 9: invalid argument'],
  [['--image-volume', 'x'], 'invalid image volume mode "x" required value: anonymous, tmpfs, ignore'],
  [['--health-on-failure', 'x'], 'invalid on-failure action "x" for health check: supported actions are none,kill,'],
  [['--personality', 'x'], 'unknown persona specified "x"'],
  [['--systemd', 'x'], '--systemd values must be one of "true, false, always"'],
])('%j is refused', (words, message) => {
  expect(() => extrasOf(...words)).toThrow(message);
});
