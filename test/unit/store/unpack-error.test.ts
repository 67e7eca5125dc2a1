import { describe, expect, test } from 'vitest';
import { WherryError } from '#base/error.ts';
import type { Entry } from '#store/tar.ts';
import { explain } from '#store/unpack-error.ts';

const entry: Entry = {
  kind: 'file',
  name: 'etc/x',
  linkName: '',
  size: 0,
  mode: 0o644,
  uid: 70000,
  gid: 8,
  modified: { seconds: 0, nanoseconds: 0 },
  accessed: { seconds: 0, nanoseconds: 0 },
  major: 0,
  minor: 0,
  attributes: [],
};

const refused = (code: string, syscall: string) => Object.assign(new Error(`${code}: ${syscall}`), { code, syscall });

describe('explain()', () => {
  test.each([
    ['EINVAL', 'fchown', 'denied', '"etc/x" belongs to 70000:8, an id that your user namespace does not have'],
    ['EINVAL', 'lchown', 'denied', '"etc/x" belongs to 70000:8, an id that your user namespace does not have'],
    ['ENOSPC', 'write', 'unavailable', 'no space left on the device'],
    ['EDQUOT', 'open', 'unavailable', 'no space left on the device'],
    ['ENOSPC', 'lsetxattr', 'unsupported', 'an extended attribute of "etc/x" is larger than the file system takes'],
    ['EINVAL', 'lsetxattr', 'unsupported', 'an extended attribute of "etc/x" is refused: EINVAL'],
    ['ENAMETOOLONG', 'open', 'corrupt', '"etc/x": its name is too long'],
    ['EIO', 'write', 'unavailable', '"etc/x": write answers EIO'],
  ])('says of %s by %s what it means', (code, syscall, kind, message) => {
    expect(explain(refused(code, syscall), entry)).toMatchObject({ kind, message });
  });

  test('leaves our own defects and our own errors as they are', () => {
    const defect = new TypeError('undefined is not a function');
    const known = new WherryError('corrupt', 'known');
    expect(explain(defect, entry)).toBe(defect);
    expect(explain(known, entry)).toBe(known);
  });
});
