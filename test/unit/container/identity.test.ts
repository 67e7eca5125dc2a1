import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { resolveUser } from '#container/identity.ts';
import { mknod, S_IF } from '#sys/ffi.ts';
import { temporaryDirectory } from '#test/support/store.ts';

const PASSWD = `# people
root:x:0:0:root:/root:/bin/sh
www:x:33:33:www:/var/www:/bin/false
5000:x:77:77::/odd:
broken line
half:x:a:b
`;
const GROUP = `root:x:0:
tty:x:5:www,root
www:x:33:
staff:x:50:www
`;

let root: string;

beforeEach(() => {
  root = temporaryDirectory();
  mkdirSync(join(root, 'etc'));
  writeFileSync(join(root, 'etc/passwd'), PASSWD);
  writeFileSync(join(root, 'etc/group'), GROUP);
});

test.each([
  ['', [], { uid: 0, gid: 0, additionalGids: [0, 5], home: '/root' }],
  ['www', [], { uid: 33, gid: 33, additionalGids: [33, 5, 50], home: '/var/www' }],
  ['33', [], { uid: 33, gid: 33, additionalGids: [33, 5, 50], home: '/var/www' }],
  ['www:staff', [], { uid: 33, gid: 50, additionalGids: [50], home: '/var/www' }],
  ['www:99', [], { uid: 33, gid: 99, additionalGids: [99], home: '/var/www' }],
  ['1234', [], { uid: 1234, gid: 0, additionalGids: [0], home: '/' }],
  ['1234:5', [], { uid: 1234, gid: 5, additionalGids: [5], home: '/' }],
  ['5000', [], { uid: 5000, gid: 0, additionalGids: [0], home: '/' }],
  [':staff', [], { uid: 0, gid: 50, additionalGids: [50], home: '/root' }],
  ['1234', ['tty', '44', '44'], { uid: 1234, gid: 0, additionalGids: [0, 5, 44], home: '/' }],
])('"%s" with further groups %j is found', (text, groups, expected) => {
  expect(resolveUser(root, text, groups)).toEqual(expected);
});

test.each([
  ['nobody', [], 'unable to find user nobody: no matching entries in passwd file'],
  ['half', [], 'unable to find user half: no matching entries in passwd file'],
  ['www:nobody', [], 'unable to find group nobody: no matching entries in group file'],
  ['www', ['nobody'], 'unable to find group nobody: no matching entries in group file'],
  ['-1', [], 'uids and gids must be in range 0-2147483647'],
  ['4294967295', [], 'uids and gids must be in range 0-2147483647'],
  ['0:4294967295', [], 'uids and gids must be in range 0-2147483647'],
])('"%s" with further groups %j is refused in the words of Docker', (text, groups, message) => {
  expect(() => resolveUser(root, text, groups)).toThrow(message);
});

describe('a root that somebody else made', () => {
  test('without any passwd has root and numbers', () => {
    const empty = temporaryDirectory();
    expect(resolveUser(empty, '')).toEqual({ uid: 0, gid: 0, additionalGids: [0], home: '/' });
    expect(() => resolveUser(empty, 'root')).toThrow('unable to find user root');
  });

  test('has its own passwd, whatever a link in it says', () => {
    const linked = temporaryDirectory();
    mkdirSync(join(linked, 'etc'));
    mkdirSync(join(linked, 'bin'));
    writeFileSync(join(linked, 'bin/sh'), 'inside:x:7:7::/in:');
    symlinkSync('../../../../../../../../bin/sh', join(linked, 'etc/passwd'));
    expect(resolveUser(linked, 'inside')).toMatchObject({ uid: 7, home: '/in' });
  });

  test('cannot hold us by a pipe in the place of passwd', () => {
    const piped = temporaryDirectory();
    mkdirSync(join(piped, 'etc'));
    mknod(join(piped, 'etc/passwd'), S_IF.FIFO | 0o600);
    expect(() => resolveUser(piped, 'root')).toThrow('unable to find user root');
  });
});
