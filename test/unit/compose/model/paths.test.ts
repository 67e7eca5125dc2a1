import { realpathSync, symlinkSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { resolvePaths } from '#compose/model/paths.ts';
import type { Tree, TreeMap } from '#compose/model/tree.ts';
import { temporaryDirectory } from '#test/support/store.ts';

const service = (key: string, value: Tree): Tree => {
  const { web } = resolvePaths({ services: { web: { [key]: value } } }, '/base').services as { web: TreeMap };
  return web[key];
};

test.each([
  ['.', '/base'],
  ['./x/', '/base/x'],
  ['../x', '/x'],
  ['/abs', '/abs'],
  ['~/x', join(homedir(), 'x')],
  ['https://github.com/a/b.git', 'https://github.com/a/b.git'],
  ['git@github.com:a/b.git', 'git@github.com:a/b.git'],
  ['github.com/a/b', 'github.com/a/b'],
  ['service:base', 'service:base'],
])('a build in %s is built in %s', (context, resolved) => {
  expect(service('build', { context, additional_contexts: { c: context } })).toEqual({
    context: resolved,
    additional_contexts: { c: resolved },
  });
});

test('files of a service are those of the project', () => {
  expect(service('env_file', [{ path: 'a.env' }, { path: '/b.env' }])).toEqual([
    { path: '/base/a.env' },
    { path: '/b.env' },
  ]);
  expect(service('label_file', ['a'])).toEqual(['/base/a']);
  expect(service('extends', { file: 'o.yaml', service: 's' })).toEqual({ file: '/base/o.yaml', service: 's' });
});

test('only bind mounts have a path, and must have one', () => {
  const volumes = [
    { type: 'bind', source: './a', target: '/a' },
    { type: 'bind', source: 'C:\\a', target: '/b' },
    { type: 'volume', source: 'a', target: '/c' },
  ];
  expect(service('volumes', volumes)).toMatchObject([{ source: '/base/a' }, { source: 'C:\\a' }, { source: 'a' }]);
  expect(() => service('volumes', [{ type: 'bind', target: '/a' }])).toThrow('field Source must not be empty');
});

test('configs, secrets, and the directory behind a volume', () => {
  const tree: TreeMap = {
    configs: { c: { file: './c' } },
    secrets: { s: { file: '~/s' } },
    volumes: {
      v: { driver: 'local', driver_opts: { o: 'bind', device: './v' } },
      w: { driver: 'local', driver_opts: { o: 'addr=x', device: './w' } },
    },
  };
  expect(resolvePaths(tree, '/base')).toMatchObject({
    configs: { c: { file: '/base/c' } },
    secrets: { s: { file: join(homedir(), 's') } },
    volumes: { v: { driver_opts: { device: '/base/v' } }, w: { driver_opts: { device: './w' } } },
  });
});

test('what is watched is watched under its real name', () => {
  const directory = realpathSync(temporaryDirectory());
  symlinkSync(directory, join(directory, 'link'));
  expect(service('develop', { watch: [{ path: join(directory, 'link') }, { path: './no' }] })).toEqual({
    watch: [{ path: directory }, { path: '/base/no' }],
  });
});
