import { expect, test } from 'vitest';
import { runKeys, treeId } from '#build/solve/keys.ts';
import type { RunStep } from '#build/vertex.ts';

const step: RunStep = {
  op: 'run',
  args: ['/bin/sh', '-c', 'make'],
  env: ['A=1'],
  cwd: '/',
  user: '',
  mounts: [],
  network: 'default',
  security: 'sandbox',
  proxy: {},
  hosts: [],
  ulimits: [],
  devices: [],
};
const inputs = { base: treeId([{ diffId: 'sha256:1' }]), epoch: undefined, platform: 'linux/amd64', from: new Map() };
const key = (more: Partial<RunStep> = {}, around: Partial<typeof inputs> = {}) =>
  runKeys({ ...step, ...more }, { ...inputs, ...around }).quick;

test('a step is the same on the same tree, whatever it is called and where it stands', () => {
  const named = { ...step, name: '[2/3] RUN make', place: [{ start: 2, end: 2 }] };
  expect(runKeys(named, inputs).quick).toBe(key());
});

test.each<[string, Partial<RunStep>]>([
  ['command', { args: ['/bin/sh', '-c', 'make all'] }],
  ['environment', { env: ['A=2'] }],
  ['directory', { cwd: '/src' }],
  ['user', { user: '1' }],
  ['network', { network: 'none' }],
  ['mounts', { mounts: [{ type: 'tmpfs', target: '/t', readonly: false }] }],
])('another %s makes another step', (_what, more) => {
  expect(key(more)).not.toBe(key());
});

test('another tree below, or another SOURCE_DATE_EPOCH, makes another step', () => {
  expect(key({}, { base: treeId([{ diffId: 'sha256:2' }]) })).not.toBe(key());
  expect(runKeys(step, { ...inputs, epoch: 5 }).quick).not.toBe(key());
});

test('proxies and what a secret is are in no key', () => {
  expect(key({ proxy: { HTTP_PROXY: 'http://user:word@host' } })).toBe(key());
});
