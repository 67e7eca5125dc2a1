import { describe, expect, test } from 'vitest';
import { canonical, nameOnly, parseReference } from '#oci/reference.ts';
import { hostRule, matchPrefix, pullSources, pushTarget, type RegistryRule, resolveAlias } from '#oci/registries.ts';

const rule = (prefix: string, more: Partial<RegistryRule> = {}): RegistryRule => ({
  prefix,
  location: prefix.startsWith('*.') ? '' : prefix,
  insecure: false,
  blocked: false,
  mirrors: [],
  file: '/etc/r.conf',
  ...more,
});
const mirror = (location: string, use: 'all' | 'digest-only' | 'tag-only' = 'all') => ({
  location,
  insecure: false,
  use,
});
const of = (...rules: RegistryRule[]) => ({ rules, aliases: new Map() });
const DIGEST = `sha256:${'a'.repeat(64)}`;
const refer = (text: string) => nameOnly(parseReference(text));

test.each([
  ['docker.io/library/busybox:1', 'docker.io', 9],
  ['docker.io/library/busybox:1', 'docker.io/library', 17],
  ['docker.io/library/busybox:1', 'docker.io/library/busybox', 25],
  ['docker.io/library/busybox:1', 'docker.io/library/busybox:1', 27],
  ['docker.io/library/busybox:1', 'docker.io/lib', -1],
  ['docker.io/library/busybox:1', 'docker', -1],
  ['example.com:5000/a', 'example.com', -1],
  ['example.com:5000/a', 'example.com:5000', 16],
  ['a.example.com/x', '*.example.com', 13],
  ['a.b.example.com:5000/x', '*.example.com', 20],
  ['a.example.com:5000/x', '*.example.com:5000', 18],
  ['a.example.com/x/y', '*.example.com/x', 15],
  ['example.com/x', '*.example.com', -1],
  ['evil.org/a.example.com/x', '*.example.com', -1],
  ['a.example.com.evil.org/x', '*.example.com', -1],
])('of %s the prefix %s covers %i', (name, prefix, expected) => {
  expect(matchPrefix(name, prefix)).toBe(expected);
});

describe('a name is asked for', () => {
  const rules = of(
    rule('docker.io', {
      mirrors: [mirror('mirror.test/hub'), mirror('by-digest.test', 'digest-only'), mirror('by-tag.test', 'tag-only')],
    }),
    rule('docker.io/mine', { location: 'registry.corp:5000/people/mine', insecure: true }),
    rule('*.cluster.test', { location: 'inside.test/cluster' }),
    rule('*.plain.test', { insecure: true }),
    rule('quay.io/a/b:1', { location: 'quay.io/c/d:2' }),
  );
  test.each([
    ['quay.io/x', ['quay.io/x:latest']],
    [
      'busybox',
      [
        'mirror.test/hub/library/busybox:latest',
        'by-tag.test/library/busybox:latest',
        'docker.io/library/busybox:latest',
      ],
    ],
    [
      `busybox@${DIGEST}`,
      [
        `mirror.test/hub/library/busybox@${DIGEST}`,
        `by-digest.test/library/busybox@${DIGEST}`,
        `docker.io/library/busybox@${DIGEST}`,
      ],
    ],
    ['mine/app:2', ['registry.corp:5000/people/mine/app:2']],
    ['a.cluster.test/app', ['inside.test/cluster/app:latest']],
    ['a.plain.test/app', ['a.plain.test/app:latest']],
    ['quay.io/a/b:1', ['quay.io/c/d:2']],
    ['quay.io/a/b:3', ['quay.io/a/b:3']],
  ])('%s at %j', (text, expected) => {
    const reference = refer(text);
    const sources = pullSources(rules, reference);
    expect(sources.map((source) => canonical(source.at(reference)))).toEqual(expected);
    expect(sources.map(({ mirror: is }) => is)).toEqual(expected.map((_, at) => at < expected.length - 1));
    const last = expected.at(-1) ?? '';
    expect(canonical(pushTarget(rules, reference).at(reference))).toBe(last);
    expect(pushTarget(rules, reference).domain).toBe(last.split('/', 1)[0]);
  });

  test('without TLS where the longest rule says so', () => {
    expect(pushTarget(rules, refer('mine/app')).insecure).toBe(true);
    expect(pushTarget(rules, refer('a.plain.test/app')).insecure).toBe(true);
    expect(pushTarget(rules, refer('busybox')).insecure).toBe(false);
  });
});

test('what is blocked is neither pulled nor pushed nor logged in to, and the file is named', () => {
  const rules = of(rule('bad.test', { blocked: true }), rule('bad.test/ok'));
  const message = 'registry bad.test is blocked in /etc/r.conf';
  expect(() => pullSources(rules, refer('bad.test/x'))).toThrow(message);
  expect(() => pushTarget(rules, refer('bad.test/x'))).toThrow(message);
  expect(() => hostRule(rules, 'bad.test')).toThrow(message);
  expect(pushTarget(rules, refer('bad.test/ok/x')).domain).toBe('bad.test');
});

test('a blocked registry with mirrors is pulled from them alone, and not pushed to', () => {
  const rules = of(
    rule('bad.test', { blocked: true, mirrors: [mirror('good.test'), mirror('worse.test/x')] }),
    rule('worse.test', { blocked: true }),
  );
  const sources = pullSources(rules, refer('bad.test/x'));
  expect(sources.map(({ domain, blocked }) => [domain, blocked?.message])).toEqual([
    ['good.test', undefined],
    ['worse.test', 'registry worse.test is blocked in /etc/r.conf'],
    ['bad.test', 'registry bad.test is blocked in /etc/r.conf'],
  ]);
  expect(() => pushTarget(rules, refer('bad.test/x'))).toThrow('registry bad.test is blocked');
});

test('a host without a rule of its own is insecure where it is so as a mirror or a location', () => {
  const rules = of(
    rule('docker.io', { mirrors: [{ ...mirror('mirror.test:5000/hub'), insecure: true }] }),
    rule('corp', { location: 'registry.corp', insecure: true }),
  );
  expect(hostRule(rules, 'mirror.test:5000')).toEqual({ insecure: true });
  expect(hostRule(rules, 'registry.corp')).toEqual({ insecure: true });
  expect(hostRule(rules, 'docker.io')).toEqual({ insecure: false });
  expect(hostRule(rules, 'elsewhere.test')).toEqual({ insecure: false });
});

test.each([
  ['fedora', 'quay.io/f/fedora'],
  ['fedora:41', 'quay.io/f/fedora:41'],
  [`fedora@${DIGEST}`, `quay.io/f/fedora@${DIGEST}`],
  [`fedora:41@${DIGEST}`, `quay.io/f/fedora:41@${DIGEST}`],
  ['team/app', 'registry.corp:5000/team/app'],
  ['docker.io/library/fedora', undefined],
  ['localhost:5000/fedora', undefined],
  ['busybox', undefined],
])('the aliases lead from %s to %s', (text, expected) => {
  const aliases = new Map([
    ['fedora', { target: 'quay.io/f/fedora', file: 'f' }],
    ['team/app', { target: 'registry.corp:5000/team/app', file: 'f' }],
  ]);
  const found = resolveAlias({ rules: [], aliases }, text);
  expect(found && canonical(found.reference)).toBe(expected);
});
