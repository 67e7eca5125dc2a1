import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '#test/support/store.ts';
import { copyUp } from '#volume/copyup.ts';

test('an empty volume starts with what the image has there, modes and times included', async () => {
  const [image, data] = [temporaryDirectory(), temporaryDirectory()];
  mkdirSync(join(image, 'conf'), { mode: 0o750 });
  writeFileSync(join(image, 'conf/app.ini'), 'a=1', { mode: 0o640 });
  await copyUp(image, data);
  expect(readFileSync(join(data, 'conf/app.ini'), 'utf8')).toBe('a=1');
  for (const path of ['conf', 'conf/app.ini']) {
    const [from, to] = [statSync(join(image, path)), statSync(join(data, path))];
    expect([to.mode, to.uid, to.mtimeMs]).toEqual([from.mode, from.uid, from.mtimeMs]);
  }
});

test('a volume that has content keeps it', async () => {
  const [image, data] = [temporaryDirectory(), temporaryDirectory()];
  writeFileSync(join(image, 'file'), 'image');
  writeFileSync(join(data, 'other'), 'mine');
  await copyUp(image, data);
  expect(() => statSync(join(data, 'file'))).toThrow();
});

test('what is no directory is in the way, and nothing is copied from it', async () => {
  const [image, data] = [temporaryDirectory(), temporaryDirectory()];
  symlinkSync('/etc', join(image, 'link'));
  await expect(copyUp(join(image, 'link'), data)).rejects.toThrow(
    `cannot mount volume over existing file, file exists ${image}/link`,
  );
  await copyUp(join(image, 'absent'), data);
  expect(() => statSync(join(data, 'passwd'))).toThrow();
});
