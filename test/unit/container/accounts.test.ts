import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { addAccounts, wantedAccounts } from '#container/accounts.ts';
import { recordOf } from '#test/support/container.ts';
import { temporaryDirectory } from '#test/support/store.ts';

const recordWith = (User: string, accounts = {}) =>
  recordOf({ config: { User, WorkingDir: '/work' }, extras: { accounts: { hostUsers: [], ...accounts } } });

test('a number that nobody has gets an entry as podman writes it', () => {
  const record = recordWith('1234:55');
  expect(wantedAccounts(record, record.extras?.accounts, undefined)).toEqual({
    passwd: [['1234', '*', '1234', '55', 'container user', '/work', '/bin/sh']],
    group: [['55', 'x', '55', '1234']],
  });
});

test('an entry that was asked for has its names filled in', () => {
  const record = recordWith('7:8', { passwd: 'bob:*:$UID:$GID:$NAME:$HOME:/sh', group: '$GROUPNAME:y:$GID:$USERLIST' });
  expect(wantedAccounts(record, record.extras?.accounts, undefined)).toEqual({
    passwd: [['bob', '*', '7', '8', '7', '/work', '/sh']],
    group: [['8', 'y', '8', '7']],
  });
});

test('what the image knows stays, and a missing line feed is made up for', () => {
  const root = temporaryDirectory();
  mkdirSync(join(root, 'etc'));
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0::/root:/bin/sh\nme:x:7:8::/:/bin/sh');
  addAccounts(root, recordWith('7:8'), undefined);
  expect(readFileSync(join(root, 'etc/passwd'), 'utf8')).toMatch(/me:x:7:8::\/:\/bin\/sh$/);
  expect(readFileSync(join(root, 'etc/group'), 'utf8')).toBe('8:x:8:7\n');
  addAccounts(root, recordWith('9'), undefined);
  expect(readFileSync(join(root, 'etc/passwd'), 'utf8')).toMatch(
    /\/bin\/sh\n9:\*:9:0:container user:\/work:\/bin\/sh\n$/,
  );
});

test('a passwd that leads out of the root is another file inside', () => {
  const [root, outside] = [temporaryDirectory(), join(temporaryDirectory(), 'passwd')];
  mkdirSync(join(root, 'etc'));
  writeFileSync(outside, 'the host’s\n');
  symlinkSync(outside, join(root, 'etc/passwd'));
  addAccounts(root, recordWith('9'), undefined);
  expect(readFileSync(outside, 'utf8')).toBe('the host’s\n');
});
