import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '#test/support/store.ts';
import { copyUp, emptyIfCutOff } from '#volume/copyup.ts';

/** An empty volume's directory for its content. */
function freshVolume(): string {
  const data = join(temporaryDirectory(), '_data');
  mkdirSync(data);
  return data;
}

test('an empty volume starts with what the image has there, modes and times included', async () => {
  const [image, data] = [temporaryDirectory(), freshVolume()];
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
  const [image, data] = [temporaryDirectory(), freshVolume()];
  writeFileSync(join(image, 'file'), 'image');
  writeFileSync(join(data, 'other'), 'mine');
  await copyUp(image, data);
  expect(() => statSync(join(data, 'file'))).toThrow();
});

test('what is no directory is in the way, and nothing is copied from it', async () => {
  const [image, data] = [temporaryDirectory(), freshVolume()];
  symlinkSync('/etc', join(image, 'link'));
  const link = join(image, 'link');
  await expect(copyUp(link, data)).rejects.toThrow(`source ${link} is not directory`);
  await expect(copyUp(link, data, { anonymous: true })).rejects.toThrow(
    `cannot mount volume over existing file, file exists ${link}`,
  );
  await copyUp(join(image, 'absent'), data);
  expect(() => statSync(join(data, 'passwd'))).toThrow();
});

test('what a copy that was cut off has left is taken out, and what else a volume has is not', async () => {
  const [image, data] = [temporaryDirectory(), freshVolume()];
  writeFileSync(join(image, 'file'), 'image');
  writeFileSync(join(data, 'half'), 'im');
  await emptyIfCutOff(data);
  expect(readdirSync(data)).toEqual(['half']);
  writeFileSync(join(data, '../filling'), '');
  await emptyIfCutOff(data);
  expect(readdirSync(data)).toEqual([]);
  await copyUp(image, data);
  expect([readdirSync(data), readdirSync(join(data, '..'))]).toEqual([['file'], ['_data']]);
});
