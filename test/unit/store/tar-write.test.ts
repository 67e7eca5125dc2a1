import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Entry, tarReader } from '#store/tar.ts';
import { END_OF_ARCHIVE, type NewEntry, padding, tarHeader } from '#store/tar-write.ts';

const latin1 = (text: string) => Buffer.from(text).toString('latin1');

/** Files get a content of their size. */
function written(entries: readonly NewEntry[]): Buffer {
  const parts = entries.flatMap((entry) => {
    const size = entry.kind === 'file' ? (entry.size ?? 0) : 0;
    return [tarHeader(entry), Buffer.alloc(size, 'x'), padding(size)];
  });
  return Buffer.concat([...parts, END_OF_ARCHIVE]);
}

function readBack(bytes: Buffer): Entry[] {
  const found: Entry[] = [];
  const tar = tarReader((entry, content, next) => {
    found.push(entry);
    if (entry.size === 0) return next();
    content.onData(() => {});
    content.onEnd(() => next());
  });
  void tar.write(bytes);
  tar.end();
  return found;
}

const ENTRIES: [what: string, entry: NewEntry][] = [
  ['a file', { kind: 'file', name: 'etc/passwd', size: 700, mode: 0o4755, uid: 1000, gid: 50 }],
  ['a directory', { kind: 'directory', name: 'etc/', mode: 0o1777 }],
  ['a symbolic link', { kind: 'symlink', name: 'bin', linkName: 'usr/bin', mode: 0o777 }],
  ['a hard link', { kind: 'link', name: 'a', linkName: 'etc/passwd' }],
  ['a FIFO', { kind: 'fifo', name: 'pipe' }],
  ['a character device', { kind: 'character-device', name: 'dev/tty', major: 4095, minor: 1048575 }],
  ['a block device', { kind: 'block-device', name: 'dev/sda', major: 8, minor: 1 }],
  ['a name of 100 bytes', { kind: 'file', name: 'n'.repeat(100) }],
  ['a name that is divided', { kind: 'file', name: `${'d'.repeat(155)}/${'n'.repeat(100)}` }],
  ['a directory whose name is divided', { kind: 'directory', name: `${'d'.repeat(80)}/${'n'.repeat(80)}/` }],
  ['a name that cannot be divided', { kind: 'file', name: `d/${'n'.repeat(101)}`, size: 3 }],
  ['a name of 4000 bytes', { kind: 'file', name: `${'d'.repeat(99)}/`.repeat(39) + 'n'.repeat(100) }],
  ['a name in UTF-8', { kind: 'file', name: latin1('grüße/😀') }],
  ['a name in no encoding', { kind: 'file', name: 'a\xff\xfe\nb' }],
  ['a directory with a name in UTF-8', { kind: 'directory', name: latin1('grüße/') }],
  ['a long link target', { kind: 'symlink', name: 'l', linkName: `${'../'.repeat(200)}a` }],
  ['a link target in UTF-8', { kind: 'link', name: 'l', linkName: latin1('ä') }],
  ['ids of 32 bits', { kind: 'file', name: 'f', uid: 4294967294, gid: 2097152 }],
  ['a time with nanoseconds', { kind: 'file', name: 'f', modified: { seconds: 1700000000, nanoseconds: 120000000 } }],
  ['a time after 2242', { kind: 'file', name: 'f', modified: { seconds: 9_000_000_000, nanoseconds: 1 } }],
  [
    'attributes, binary and empty',
    {
      kind: 'file',
      name: 'ping',
      size: 1,
      attributes: [
        ['security.capability', '\x01\0\0\x02\xff\n='],
        [latin1('user.ä'), ''],
      ],
    },
  ],
];

describe('tarHeader()', () => {
  test.each(ENTRIES)('is read back by us: %s', (_what, entry) => {
    const { accessed: _, ...back } = readBack(written([entry]))[0] as Entry;
    const absent = { linkName: '', size: 0, uid: 0, gid: 0, major: 0, minor: 0, attributes: [] };
    const mode = entry.kind === 'directory' ? 0o755 : 0o644;
    expect(back).toEqual({ ...absent, mode, modified: { seconds: 0, nanoseconds: 0 }, ...entry });
  });

  test('leaves the members in step when all of them are in one archive', () => {
    const entries = ENTRIES.map(([, entry]) => entry);
    expect(readBack(written(entries)).map(({ name }) => name)).toEqual(entries.map(({ name }) => name));
  });

  test('holds a size that needs more than 33 bits', () => {
    const entry: NewEntry = { kind: 'file', name: 'big', size: 8 ** 11 };
    const found: Entry[] = [];
    const tar = tarReader((one) => void found.push(one));
    void tar.write(tarHeader(entry));
    expect(found[0]?.size).toBe(8 ** 11);
  });

  test('gives a time before 1970 as GNU tar and Python read it', () => {
    const bytes = written([{ kind: 'file', name: 'f', modified: { seconds: -2, nanoseconds: 500_000_000 } }]);
    expect(bytes.includes('mtime=-1.5\n')).toBe(true);
  });

  test('gives a directory its slash', () => {
    expect(readBack(written([{ kind: 'directory', name: 'etc' }]))[0]?.name).toBe('etc/');
  });

  test('has no extended header where the fields of ustar hold everything', () => {
    expect(tarHeader({ kind: 'file', name: `${'d'.repeat(150)}/n`, uid: 2097151 }).length).toBe(512);
  });

  test.each<[string, NewEntry, string]>([
    ['a NUL byte in a name', { kind: 'file', name: 'a\0b' }, '"a?b" does not fit into an archive'],
    ['a NUL byte in a target', { kind: 'symlink', name: 'a', linkName: 'b\0' }, '"a" does not fit into an archive'],
    ['an equals sign in an attribute', { kind: 'file', name: 'a', attributes: [['user.a=b', 'c']] }, '"user.a=b"'],
  ])('refuses %s', (_what, entry, words) => {
    expect(() => tarHeader(entry)).toThrow(words);
  });
});

/** As strangers read it: what a field holds, one line a member. */
describe('an archive of ours, read by others', () => {
  const file = () => {
    const directory = mkdtempSync(join(tmpdir(), 'wherry-tar-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const path = join(directory, 'a.tar');
    writeFileSync(path, written(ENTRIES.map(([, entry]) => entry)));
    return path;
  };

  test('GNU tar finds each name, without a warning', () => {
    const { stdout, stderr } = spawnSync('tar', ['-tf', file(), '--quoting-style=literal'], {
      encoding: 'latin1',
      env: { ...process.env, LC_ALL: 'C' },
    });
    expect(stderr).toBe('');
    expect(stdout).toBe(ENTRIES.map(([, { name }]) => `${name}\n`).join(''));
  });

  const noPython = spawnSync('python3', ['--version']).status !== 0;
  test.skipIf(noPython)('Python finds each name, target, owner, time and attribute', () => {
    const script = `
import json, sys, tarfile
def text(s): return s.encode('utf-8', 'surrogateescape').decode('latin1')
for m in tarfile.open(sys.argv[1], encoding='utf-8', errors='surrogateescape'):
    print(json.dumps([text(m.name), text(m.linkname), m.uid, m.gid, m.mode, m.size, m.mtime, len(m.pax_headers)]))`;
    const out = execFileSync('python3', ['-c', script, file()], { encoding: 'utf8' });
    const found = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).slice(0, 7));
    const time = ({ modified }: NewEntry) => (modified?.seconds ?? 0) + (modified?.nanoseconds ?? 0) / 1e9;
    expect(found).toEqual(
      ENTRIES.map(([, entry]) => [
        entry.name.replace(/\/$/, ''),
        entry.linkName ?? '',
        entry.uid ?? 0,
        entry.gid ?? 0,
        entry.mode ?? (entry.kind === 'directory' ? 0o755 : 0o644),
        entry.size ?? 0,
        time(entry),
      ]),
    );
  });
});
