import { describe, expect, test } from 'vitest';
import { formatPlatform } from '#base/platform.ts';
import { choose, hostPlatform, inOrder, isMeant, matches, normalize, parsePlatform } from '#oci/platform.ts';

const entry = (text: string) => ({ mediaType: '', digest: text, size: 0, platform: platform(text) });
const platform = (text: string) => {
  const [os = '', architecture = '', variant] = text.split('/');
  return { os, architecture, ...(variant === undefined ? {} : { variant }) };
};

describe('spellings become one', () => {
  test.each([
    ['linux/x86_64', 'linux/amd64'],
    ['linux/amd64/v1', 'linux/amd64'],
    ['linux/aarch64', 'linux/arm64'],
    ['linux/arm64/v8', 'linux/arm64'],
    ['linux/arm', 'linux/arm/v7'],
    ['linux/arm/6', 'linux/arm/v6'],
    ['linux/armhf', 'linux/arm/v7'],
    ['linux/armel', 'linux/arm/v6'],
    ['macos/i386', 'darwin/386'],
  ])('%s is %s', (text, whole) => {
    expect(formatPlatform(normalize(platform(text)))).toBe(whole);
  });
});

describe('a machine runs what containerd says that it runs', () => {
  test.each([
    ['linux/amd64', 'linux/amd64', true],
    ['linux/amd64', 'linux/386', true],
    ['linux/amd64', 'linux/amd64/v3', false],
    ['linux/amd64/v3', 'linux/amd64/v2', true],
    ['linux/amd64/v3', 'linux/amd64', true],
    ['linux/arm/v7', 'linux/arm/v6', true],
    ['linux/arm/v6', 'linux/arm/v7', false],
    ['linux/arm64', 'linux/arm/v7', true],
    ['linux/arm64', 'linux/amd64', false],
    ['linux/arm64/v9', 'linux/arm64', true],
    ['linux/amd64', 'windows/amd64', false],
    ['linux/amd64', 'unknown/unknown', false],
    ['linux/s390x', 'linux/s390x', true],
  ])('%s runs %s: %s', (machine, offered, answer) => {
    expect(matches(platform(machine), platform(offered))).toBe(answer);
  });
});

test('the best entry of an index comes first, attestations never', () => {
  const manifests = ['linux/arm/v5', 'unknown/unknown', 'linux/arm/v7', 'linux/arm64/v8', 'linux/arm/v6'].map(entry);
  const order = (text: string) => choose(manifests, platform(text)).map((one) => one.digest);
  expect(order('linux/arm/v6')).toEqual(['linux/arm/v6', 'linux/arm/v5']);
  expect(order('linux/arm64')).toEqual(['linux/arm64/v8', 'linux/arm/v7', 'linux/arm/v6', 'linux/arm/v5']);
  expect(order('linux/amd64')).toEqual([]);
});

test('an entry without a platform is the last resort', () => {
  const bare = { mediaType: '', digest: 'bare', size: 0 };
  expect(choose([bare, entry('linux/amd64')], platform('linux/amd64')).map((one) => one.digest)).toEqual([
    'linux/amd64',
    'bare',
  ]);
});

describe('--platform is read in the words of containerd', () => {
  test.each([
    ['linux/arm64', 'linux/arm64'],
    ['linux/arm/v6', 'linux/arm/v6'],
    ['arm64', 'linux/arm64'],
    ['linux', formatPlatform(hostPlatform())],
  ])('%s', (text, whole) => {
    expect(formatPlatform(parsePlatform(text))).toBe(whole);
  });
  test.each([
    ['foo', '"foo": unknown operating system or architecture: invalid argument'],
    ['linux/*', '"linux/*": wildcards not yet supported: invalid argument'],
    ['a/b/c/d', '"a/b/c/d": cannot parse platform specifier: invalid argument'],
    [
      'linux/@',
      '"@" is an invalid component of "linux/@": platform specifier component must match "^[A-Za-z0-9_.-]+$": invalid argument',
    ],
  ])('%s is refused', (text, message) => {
    expect(() => parsePlatform(text)).toThrow(message);
  });
});

test('a platform has Go’s order, and no empty fields but those that it always has', () => {
  expect(JSON.stringify(inOrder({ variant: '', 'os.features': [], os: 'linux', 'os.version': '1' }))).toBe(
    '{"architecture":"","os":"linux","os.version":"1"}',
  );
});

test('what is said of one platform is said of no other, and what is said of all of each', () => {
  const arm = { os: 'linux', architecture: 'arm64' };
  expect([isMeant('linux/arm64', arm), isMeant('linux/arm/v7', arm), isMeant('linux/arm64', undefined)]).toEqual([
    true,
    false,
    false,
  ]);
  expect([isMeant(undefined, arm), isMeant(undefined, undefined)]).toEqual([true, true]);
});
