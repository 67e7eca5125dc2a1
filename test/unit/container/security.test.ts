import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { maskedPaths, readSecurity } from '#container/security.ts';
import { temporaryDirectory } from '#test/support/store.ts';

test.each([
  [['no-new-privileges'], { noNewPrivileges: true }],
  [['no-new-privileges=true', 'no-new-privileges:0'], { noNewPrivileges: false }],
  [['apparmor=mine', 'seccomp:unconfined'], { apparmor: 'mine', seccomp: 'unconfined' }],
  [['label=type:t', 'label:disable', 'disable'], { labels: ['type:t', 'disable', 'disable'] }],
  [['writable-cgroups'], { writableCgroups: true }],
  [['seccomp={"a":"b=c"}'], { seccomp: '{"a":"b=c"}' }],
])('%j is read', (options, expected) => {
  expect(readSecurity(options)).toMatchObject(expected);
});

test.each([
  ['foo', 'invalid --security-opt 1: "foo"'],
  ['foo=bar', 'invalid --security-opt 2: "foo=bar"'],
  ['no-new-privileges:maybe', 'invalid --security-opt 2: "no-new-privileges:maybe"'],
])('%s is refused in the words of Docker', (option, message) => {
  expect(() => readSecurity([option])).toThrow(message);
});

test('the counters by which a CPU tells that it is hot are hidden, where there are some', () => {
  const cpus = temporaryDirectory();
  expect(maskedPaths(cpus)).not.toContain(`${cpus}/cpu0/thermal_throttle`);
  for (const cpu of [0, 1, 3]) mkdirSync(join(cpus, `cpu${cpu}/thermal_throttle`), { recursive: true });
  writeFileSync(join(cpus, 'possible'), '0-1,3\n');
  expect(maskedPaths(cpus).slice(-3)).toEqual([0, 1, 3].map((cpu) => `${cpus}/cpu${cpu}/thermal_throttle`));
});
