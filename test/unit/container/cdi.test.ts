import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cdiDirectories, editsFor, readCdi } from '#container/cdi.ts';
import { temporaryDirectory } from '#test/support/store.ts';

function directories(...files: Record<string, string>[]): string[] {
  const root = temporaryDirectory();
  return files.map((contents, index) => {
    const path = join(root, String(index));
    mkdirSync(path);
    for (const [name, text] of Object.entries(contents)) writeFileSync(join(path, name), text);
    return path;
  });
}

const YAML = `
cdiVersion: "0.6.0"
kind: vendor.com/dev
devices:
  - name: one
    containerEdits: { env: [ONE=1] }
  - name: two
    containerEdits: { env: [TWO=2] }
containerEdits: { env: [ALL=x] }
`;
const json = (value: string) =>
  JSON.stringify({
    cdiVersion: '0.5.0',
    kind: 'vendor.com/dev',
    devices: [{ name: 'one', containerEdits: { env: [`ONE=${value}`] } }],
  });
const envOf = async (paths: string[], ...names: string[]) =>
  editsFor(await readCdi(paths), names).flatMap(({ env = [] }) => env);

test('files are looked for where vendors, root and the user put them', () => {
  expect(cdiDirectories('/home/u', {})).toEqual(['/etc/cdi', '/var/run/cdi', '/home/u/.config/cdi']);
});

test('a file’s own edits come once, before those of the devices', async () => {
  const paths = directories({ 'a.yaml': YAML });
  expect(await envOf(paths, 'vendor.com/dev=one')).toEqual(['ALL=x', 'ONE=1']);
  expect(await envOf(paths, 'vendor.com/dev=one', 'vendor.com/dev=two')).toEqual(['ALL=x', 'ONE=1', 'TWO=2']);
});

test('a later directory goes before an earlier one', async () => {
  expect(await envOf(directories({ 'a.json': json('etc') }, { 'b.json': json('own') }), 'vendor.com/dev=one')).toEqual([
    'ONE=own',
  ]);
});

test('two files of one directory with the same device are a problem, and neither counts', async () => {
  const registry = await readCdi(directories({ 'a.json': json('a'), 'b.json': json('b') }));
  expect(registry.devices.size).toBe(0);
  expect(registry.problems).toEqual([expect.stringMatching(/^"vendor\.com\/dev=one" is both in /)]);
});

test('a device that no file has is refused in the words of Docker, with the file that can’t be used as the hint', async () => {
  const registry = await readCdi(directories({ 'a.json': '{', 'b.txt': '' }));
  expect(() => editsFor(registry, ['v.com/d=x', 'v.com/d=y', 'v.com/d=x'])).toThrow(
    expect.objectContaining({
      message: 'CDI device injection failed: unresolvable CDI devices v.com/d=x, v.com/d=y',
      hint: expect.stringMatching(/a\.json" can't be used: /),
    }),
  );
});
