import { expect, test } from 'vitest';
import { checkCdi } from '#container/cdi-format.ts';

const file = (change: object = {}) => ({
  cdiVersion: '0.6.0',
  kind: 'vendor.com/dev',
  devices: [{ name: '0', containerEdits: {} }],
  ...change,
});
const edits = (containerEdits: object) => file({ devices: [{ name: '0', containerEdits }] });

test('a whole file is taken as it is', () => {
  const containerEdits = {
    env: ['A=b'],
    deviceNodes: [{ path: '/dev/x', hostPath: '/dev/null', permissions: 'rw', fileMode: 0o660, type: 'c' }],
    mounts: [{ hostPath: '/lib/a', containerPath: '/lib/a', options: ['ro'] }],
    hooks: [{ hookName: 'createContainer', path: '/bin/hook', args: ['hook'], env: ['X=1'], timeout: 3 }],
    additionalGids: [44],
  };
  expect(checkCdi(edits(containerEdits)).devices[0]?.containerEdits).toMatchObject(containerEdits);
});

test.each([
  [undefined, 'the file is no object'],
  [file({ extra: 1 }), 'unknown field "extra" in the file'],
  [file({ cdiVersion: '9.0.0' }), 'cdiVersion 9.0.0 is not known'],
  [file({ kind: 'vendor' }), 'kind "vendor" is not of the form vendor.com/class'],
  [file({ devices: [] }), 'it has no devices'],
  [file({ devices: [{ name: 'a' }, { name: 'a' }] }), 'it has two devices "a"'],
  [file({ devices: [{ name: '-a' }] }), '"-a" can\'t be the name of a device'],
  [edits({ env: ['A'] }), '"A" is no variable with a value'],
  [edits({ deviceNodes: [{ path: 'x' }] }), 'path "x" is no absolute path'],
  [edits({ deviceNodes: [{ path: '/x', permissions: 'q' }] }), '"q" are no permissions'],
  [edits({ hooks: [{ hookName: 'x', path: '/x' }] }), '"x" is no hook'],
  [edits({ intelRdt: {} }), "wherry can't give intelRdt to a container"],
  [edits({ mounts: {} }), 'mounts is no list'],
])('%j is refused', (value, words) => {
  expect(() => checkCdi(value)).toThrow(words);
});
