import { describe, expect, test } from 'vitest';
import { MS } from '#sys/ffi.ts';
import { checkOptions, isReadOnly, mountCall } from '#volume/options.ts';

describe('checkOptions()', () => {
  const check = (options: Record<string, string>, root = false) => checkOptions('data', options, { root });

  test.each([
    [{ bogus: '1' }, 'create data: invalid option: "bogus"'],
    [{ device: '/tmp' }, 'create data: missing required option: "type"'],
    [{ type: 'tmpfs' }, 'create data: missing required option: "device"'],
    [{ o: 'bind' }, 'create data: missing required option: "device"'],
    [{ size: '1G' }, 'create data: quota size requested but no quota support'],
    [{ type: 'nfs', device: ':/x' }, "create data: a file system of the type nfs can't be mounted without root"],
  ])('%j is refused in one line', (options, message) => {
    expect(() => check(options)).toThrow(message);
  });

  test.each([
    {},
    { type: 'tmpfs', device: 'tmpfs' },
    { type: 'none', device: '/data', o: 'bind' },
    { type: 'ext4', device: '/data', o: 'rbind,ro' },
    { type: 'overlay', device: 'overlay', o: 'lowerdir=/a:/b' },
  ])('%j is taken', (options) => {
    expect(() => check(options)).not.toThrow();
  });

  test('root may mount what it likes', () => {
    expect(() => check({ type: 'nfs', device: ':/x' }, true)).not.toThrow();
  });
});

describe('mountCall()', () => {
  test.each([
    [
      { type: 'tmpfs', device: 'tmpfs', o: 'size=1m,uid=7' },
      { type: 'tmpfs', flags: 0, data: 'size=1m,uid=7' },
    ],
    [
      { type: 'none', device: '/d', o: 'bind,ro' },
      { device: '/d', flags: MS.BIND | MS.RDONLY, data: '' },
    ],
    [{ type: 'none', device: '/d', o: 'rbind,ro,rw' }, { flags: MS.BIND | MS.REC }],
    [{ type: 'tmpfs', device: 'x', o: 'noexec,nosuid,exec' }, { flags: MS.NOSUID }],
    [{ type: 'overlay', device: 'x', o: 'lowerdir=/a:/b' }, { data: 'lowerdir=/a:/b,userxattr' }],
  ])('%j', (options, call) => {
    expect(mountCall(options)).toMatchObject(call);
  });

  test('there is none without options', () => {
    expect(mountCall({})).toBeUndefined();
  });
});

test('the last word says whether anybody may write', () => {
  expect(isReadOnly({ o: 'bind,ro' })).toBe(true);
  expect(isReadOnly({ o: 'ro,rw' })).toBe(false);
  expect(isReadOnly({})).toBe(false);
});
