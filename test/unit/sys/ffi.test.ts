import { closeSync, existsSync, lstatSync, openSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  fchdir,
  getxattr,
  listxattr,
  mknod,
  mount,
  pidfdOpen,
  S_IF,
  setTimes,
  setxattr,
  startWriteback,
  syncfs,
} from '#sys/ffi.ts';
import { temporaryDirectory } from '#test/support/store.ts';

test('extended attributes are written, listed and read as bytes', () => {
  const path = join(temporaryDirectory(), 'file');
  writeFileSync(path, '');
  expect(getxattr(path, 'user.none')).toBeUndefined();
  setxattr(path, 'user.wherry', Buffer.from([0, 255, 10]));
  expect(listxattr(path)).toContain('user.wherry');
  expect(getxattr(path, 'user.wherry')).toEqual(Buffer.from([0, 255, 10]));
});

test('times are set to the nanosecond, on a link itself, before 1970 too', () => {
  const path = join(temporaryDirectory(), 'link');
  symlinkSync('/no/where', path);
  setTimes(path, -1n, 1_700_000_000_123_456_789n);
  const stat = lstatSync(path, { bigint: true });
  expect([stat.atimeNs, stat.mtimeNs]).toEqual([-1n, 1_700_000_000_123_456_789n]);
});

test('a name that is not UTF-8 arrives as it is', () => {
  const directory = temporaryDirectory();
  const name = Buffer.concat([Buffer.from(`${directory}/`), Buffer.from([0xff, 0xfe])]);
  mknod(name, S_IF.FIFO | 0o600);
  expect(lstatSync(name).isFIFO()).toBe(true);
});

test.each([
  ['ENODEV', () => mount('none', '/', 'no-such-file-system', 0, null)],
  ['ESRCH', () => pidfdOpen(2 ** 22)],
  ['ENOENT', () => setxattr('/no/such/file', 'user.x', Buffer.of(1))],
])('a refused call throws an error of the system: %s', (code, call) => {
  // Without privilege the kernel may answer EPERM before it looks.
  expect(call).toThrow(expect.objectContaining({ code: expect.stringMatching(`${code}|EPERM|EINVAL`) }));
});

test('what was written goes to the disk, and a descriptor leads to its directory', () => {
  const directory = temporaryDirectory();
  const fd = openSync(directory, 'r');
  const file = openSync(join(directory, 'file'), 'w');
  writeFileSync(file, 'content');
  startWriteback(file);
  syncfs(fd);
  const before = process.cwd();
  fchdir(fd);
  expect(existsSync('file')).toBe(true);
  process.chdir(before);
  closeSync(file);
  closeSync(fd);
});

test('a NUL byte in a path is refused, not cut off', () => {
  expect(() => mknod('/tmp/a\0b', S_IF.FIFO)).toThrow(expect.objectContaining({ code: 'EINVAL' }));
});
