import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { mountOverlay, overlayRefusal, unmountTree } from '#sys/overlay.ts';
import { temporaryDirectory, unprivileged } from '#test/support/store.ts';

test.skipIf(unprivileged)('an overlay shows the top layer first and keeps writes out of the layers', () => {
  const at = temporaryDirectory();
  if (overlayRefusal(join(at, 'try')) !== undefined) return;
  // Names that mount(8) would have to escape.
  for (const name of ['a,b', 'c:d', 'upper', 'work', 'merged']) mkdirSync(join(at, name));
  writeFileSync(join(at, 'a,b/who'), 'low');
  writeFileSync(join(at, 'a,b/low'), 'low');
  writeFileSync(join(at, 'c:d/who'), 'high');
  const target = join(at, 'merged');
  mountOverlay({ lower: [join(at, 'c:d'), join(at, 'a,b')], upper: join(at, 'upper'), work: join(at, 'work'), target });
  expect(readFileSync(join(target, 'who'), 'utf8')).toBe('high');
  writeFileSync(join(target, 'low'), 'changed');
  expect(readFileSync(join(at, 'a,b/low'), 'utf8')).toBe('low');
  expect(readFileSync(join(at, 'upper/low'), 'utf8')).toBe('changed');
  unmountTree(target);
  unmountTree(target);
});

test.skipIf(unprivileged)('many layers are mounted at once', () => {
  const at = temporaryDirectory();
  if (overlayRefusal(join(at, 'try')) !== undefined) return;
  const lower = Array.from({ length: 200 }, (_, index) => join(at, `layer-${index}-${'x'.repeat(60)}`));
  for (const path of lower) mkdirSync(path);
  writeFileSync(join(lower.at(-1) ?? '', 'deep'), 'yes');
  for (const name of ['upper', 'work', 'merged']) mkdirSync(join(at, name));
  mountOverlay({ lower, upper: join(at, 'upper'), work: join(at, 'work'), target: join(at, 'merged') });
  expect(readFileSync(join(at, 'merged/deep'), 'utf8')).toBe('yes');
  unmountTree(join(at, 'merged'));
});

test.skipIf(unprivileged)('a layer that an image has twice is mounted once, where it is highest', () => {
  const at = temporaryDirectory();
  if (overlayRefusal(join(at, 'try')) !== undefined) return;
  for (const name of ['a', 'b', 'upper', 'work', 'merged']) mkdirSync(join(at, name));
  for (const name of ['a', 'b']) writeFileSync(join(at, name, 'who'), name);
  const [a, b, target] = [join(at, 'a'), join(at, 'b'), join(at, 'merged')];
  mountOverlay({ lower: [a, b, a], upper: join(at, 'upper'), work: join(at, 'work'), target });
  expect(readFileSync(join(target, 'who'), 'utf8')).toBe('a');
  unmountTree(target);
});
