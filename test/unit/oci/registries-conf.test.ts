import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse } from 'smol-toml';
import { beforeEach, expect, test } from 'vitest';
import { checkFile, loadRegistries, registriesPlaces } from '#oci/registries-conf.ts';
import { temporaryDirectory } from '#test/support/store.ts';

let home = '';
const conf = '.config/containers/registries.conf';

beforeEach(() => {
  home = temporaryDirectory();
});

function write(name: string, text: string): string {
  const path = join(home, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

const load = (more: NodeJS.ProcessEnv = {}) => loadRegistries({ HOME: home, ...more });

test("the user's file comes before the machine's, $CONTAINERS_REGISTRIES_CONF before both", () => {
  const directories = ['/etc/containers/registries.conf.d', '/h/.config/containers/registries.conf.d'];
  expect(registriesPlaces({ HOME: '/h' })).toEqual({
    main: ['/h/.config/containers/registries.conf', '/etc/containers/registries.conf'],
    directories,
  });
  expect(registriesPlaces({ HOME: '/h', CONTAINERS_REGISTRIES_CONF: '/x' })).toEqual({ main: ['/x'], directories });
});

test('a file is read whole', async () => {
  const file = write(
    conf,
    `unqualified-search-registries = ["quay.io"]
short-name-mode = "enforcing"
[[registry]]
prefix = "docker.io/mine"
location = "registry.corp:5000/mine/"
insecure = true
[[registry.mirror]]
location = "one.test"
pull-from-mirror = "tag-only"
[[registry.mirror]]
location = "two.test:5000/x"
insecure = true
[[registry]]
location = "bad.test"
blocked = true
[[registry]]
prefix = "*.wild.test"
mirror-by-digest-only = true
[[registry.mirror]]
location = "three.test"
[aliases]
box = "quay.io/my/box"
`,
  );
  const { rules, aliases } = await load();
  expect(rules).toEqual([
    {
      prefix: 'docker.io/mine',
      location: 'registry.corp:5000/mine',
      insecure: true,
      blocked: false,
      mirrors: [
        { location: 'one.test', insecure: false, use: 'tag-only' },
        { location: 'two.test:5000/x', insecure: true, use: 'all' },
      ],
      file,
    },
    { prefix: 'bad.test', location: 'bad.test', insecure: false, blocked: true, mirrors: [], file },
    {
      prefix: '*.wild.test',
      location: '',
      insecure: false,
      blocked: false,
      mirrors: [{ location: 'three.test', insecure: false, use: 'digest-only' }],
      file,
    },
  ]);
  expect([...aliases]).toEqual([['box', { target: 'quay.io/my/box', file }]]);
});

test('files of the directory replace what the file says of the same prefix and alias', async () => {
  write(
    conf,
    '[[registry]]\nlocation = "a.test"\ninsecure = true\n[aliases]\none = "a.test/one"\ntwo = "a.test/two"\n',
  );
  const second = write(`${conf}.d/20.conf`, '[[registry]]\nlocation = "a.test"\nblocked = true\n');
  write(`${conf}.d/10.conf`, '[[registry]]\nlocation = "a.test"\n[aliases]\none = ""\ntwo = "b.test/two"\n');
  write(`${conf}.d/30.conf.old`, 'not read');
  const { rules, aliases } = await load();
  expect(rules.map(({ blocked, insecure, file }) => ({ blocked, insecure, file }))).toEqual([
    { blocked: true, insecure: false, file: second },
  ]);
  expect([...aliases].map(([name, { target }]) => [name, target])).toEqual([['two', 'b.test/two']]);
});

test('a file of comments says nothing', async () => {
  write(conf, '# nothing\n\n  # here\n');
  expect((await load()).rules).toEqual([]);
});

test('a file that the environment names must be there', async () => {
  const path = join(home, 'absent.conf');
  await expect(load({ CONTAINERS_REGISTRIES_CONF: path })).rejects.toThrow(`Cannot read "${path}": no such file`);
});

test.each([
  ['[[registry]]\nlocation = "a.test\n', 'Cannot read "FILE", line 2: '],
  [
    '[[registry]]\nlocation = "a.test"\nblockd = true\n',
    'Cannot use "FILE", line 3: "blockd" is no key of [[registry]]',
  ],
  ['[[registri]]\nlocation = "a.test"\n', 'Cannot use "FILE", line 1: "registri" is no key of registries.conf'],
  ['[registry]\nlocation = "a.test"\n', 'Cannot use "FILE", line 1: write [[registry]], not "registry" as a value'],
  ['[[registry]]\nlocation = "a.test"\ninsecure = "yes"\n', 'Cannot use "FILE", line 3: "insecure" is not a boolean'],
  ['[[registry]]\nlocation = 5\n', 'Cannot use "FILE", line 2: "location" is not a string'],
  ['[[registry]]\ninsecure = true\n', 'Cannot use "FILE", line 1: a [[registry]] has neither prefix nor location'],
  ['[[registry]]\nprefix = "a.test"\n', 'Cannot use "FILE", line 2: the registry "a.test" has no location'],
  [
    '[[registry]]\nlocation = "http://a.test"\n',
    `line 2: invalid location 'http://a.test': URI schemes are not supported`,
  ],
  ['[[registry]]\nlocation = "a b"\n', `line 2: invalid location 'a b'`],
  [
    '[[registry]]\nlocation = "a.test"\n[[registry.mirror]]\ninsecure = true\n',
    'line 3: a mirror of "a.test" has no location',
  ],
  [
    '[[registry]]\nlocation = "a.test"\n[[registry.mirror]]\nlocation = "b.test"\npull-from-mirror = "never"\n',
    'line 5: pull-from-mirror of "b.test" is "never", not all, digest-only or tag-only',
  ],
  [
    '[[registry]]\nlocation = "a.test"\nmirror-by-digest-only = true\n[[registry.mirror]]\nlocation = "b.test"\npull-from-mirror = "all"\n',
    'line 6: mirror-by-digest-only of "a.test" and pull-from-mirror of "b.test" exclude each other',
  ],
  ["[registries.search]\nregistries = ['docker.io']\n", 'line 1: it is of the old format, version 1'],
  ['[aliases]\n"quay.io/x" = "quay.io/y"\n', 'line 2: the alias "quay.io/x" is no short name'],
  ['[aliases]\nx = "y"\n', 'line 2: the alias "x" does not lead to a name with a registry'],
  ['[aliases]\nx = "quay.io/y:1"\n', 'line 2: the alias "x" does not lead to a name with a registry and without a tag'],
])('%j is refused in one line', async (text, message) => {
  const file = write(conf, text);
  await expect(load()).rejects.toThrow(
    expect.objectContaining({
      kind: 'invalid',
      message: expect.stringMatching(
        new RegExp(`^[^\\n]*${message.replace('FILE', file).replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}`),
      ),
    }),
  );
});

test('an alias with an empty target takes one away', () => {
  const text = '[aliases]\nx = ""\n';
  expect(checkFile({ file: 'f', text, json: parse(text) }).aliases).toEqual([['x', { target: '', file: 'f' }]]);
});
