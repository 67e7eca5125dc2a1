import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { asBind, asNode, deviceRules, findDevices } from '#container/devices.ts';
import { temporaryDirectory } from '#test/support/store.ts';

const wanted = (PathOnHost: string, PathInContainer = PathOnHost, CgroupPermissions = 'rwm') => ({
  PathOnHost,
  PathInContainer,
  CgroupPermissions,
});

test('a device is found with its numbers, through a link too', () => {
  const link = join(temporaryDirectory(), 'link');
  symlinkSync('/dev/zero', link);
  const [device] = findDevices([wanted(link, '/dev/z', 'r')], false);
  expect(device).toMatchObject({
    source: '/dev/zero',
    destination: '/dev/z',
    type: 'c',
    major: 1,
    minor: 5,
    access: 'r',
  });
});

test('of a directory all devices below are found', () => {
  const sources = findDevices([wanted('/dev', '/host')], false).map((device) => device.destination);
  expect(sources).toContain('/host/null');
});

test('a privileged container gets what the host has, but not what must be its own', () => {
  const places = findDevices([wanted('/dev/null', '/dev/mine')], true).map((device) => device.destination);
  expect(places).toEqual(expect.arrayContaining(['/dev/null', '/dev/mine']));
  for (const own of ['/dev/ptmx', '/dev/console', '/dev/tty', '/dev/pts/0']) expect(places).not.toContain(own);
});

describe('refused in the words of Docker:', () => {
  test('what is not there', () => {
    expect(() => findDevices([wanted('/nowhere')], false)).toThrow(
      'error gathering device information while adding custom device "/nowhere": no such file or directory',
    );
  });

  test('what is no device', () => {
    const file = join(temporaryDirectory(), 'file');
    writeFileSync(file, '');
    expect(() => findDevices([wanted(file)], false)).toThrow(/: not a device node$/);
  });

  test('but a directory without any is only empty', () => {
    const directory = join(temporaryDirectory(), 'd');
    mkdirSync(directory);
    expect(findDevices([wanted(directory)], false)).toEqual([]);
  });
});

test('a device becomes a mount, a node, and a rule', () => {
  const [device] = findDevices([wanted('/dev/null', '/dev/n', 'rw')], false);
  if (device === undefined) throw new Error('no /dev/null');
  expect(asBind(device)).toMatchObject({ destination: '/dev/n', type: 'bind', source: '/dev/null' });
  expect(asNode(device)).toMatchObject({ path: '/dev/n', type: 'c', major: 1, minor: 3, fileMode: 0o666 });
  expect(deviceRules([device], false).at(-1)).toEqual({ allow: true, type: 'c', major: 1, minor: 3, access: 'rw' });
  expect(deviceRules([device], true)).toEqual([{ allow: true, access: 'rwm' }]);
});
