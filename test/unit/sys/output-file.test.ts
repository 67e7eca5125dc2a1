import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openOutputFile } from '#sys/output-file.ts';
import { temporaryDirectory } from '#test/support/store.ts';

test('the file has its name when it is whole, in place of a former one, and for its owner alone', () => {
  const directory = temporaryDirectory();
  const path = join(directory, 'out');
  writeFileSync(path, 'before');
  using file = openOutputFile(path);
  file.write(Buffer.from('one '));
  file.write(Buffer.from('two'));
  expect(readFileSync(path, 'utf8')).toBe('before');
  file.commit();
  expect(readFileSync(path, 'utf8')).toBe('one two');
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test('nothing stays of a file that was not finished', () => {
  const directory = temporaryDirectory();
  {
    using file = openOutputFile(join(directory, 'out'));
    file.write(Buffer.from('half'));
  }
  expect(readdirSync(directory)).toEqual([]);
});

test('only what is a file, or nothing yet, can be written to', () => {
  const directory = temporaryDirectory();
  mkdirSync(join(directory, 'd'));
  symlinkSync('elsewhere', join(directory, 'link'));
  writeFileSync(join(directory, 'file'), '');
  const refusal = (path: string) => {
    try {
      openOutputFile(path)[Symbol.dispose]();
    } catch (error) {
      return (error as Error).message;
    }
    return undefined;
  };
  expect(refusal('')).toBe('file name is empty');
  expect(refusal(join(directory, 'd'))).toBe('cannot write to a directory');
  expect(refusal(join(directory, 'link'))).toBe('cannot write to a symbolic link directly');
  expect(refusal('/dev/null')).toBe('cannot write to a character device file');
  expect(refusal('/nowhere/out')).toBe('invalid output path: stat /nowhere: no such file or directory');
  expect(refusal(join(directory, 'file/out'))).toBe(
    `invalid output path: stat ${join(directory, 'file')}: not a directory`,
  );
  expect(existsSync(join(directory, 'elsewhere'))).toBe(false);
});
