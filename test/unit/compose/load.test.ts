// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the variables are those of compose files
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type LoadOptions, loadProject } from '#compose/load.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'wherry-load-'));
});
afterEach(() => rmSync(root, { recursive: true }));

function load(files: Record<string, string>, options: Partial<LoadOptions> = {}) {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  const none = { files: [], environment: {}, stdin: async () => '', warn: () => undefined };
  return loadProject({ ...none, cwd: root, projectName: 'p', ...options });
}

const refused = async (text: string) => {
  const error = await load({ 'compose.yaml': text }).then(
    () => undefined,
    (error: Error) => error,
  );
  return error?.message.replaceAll(root, '');
};

describe('an error says where', () => {
  test.each([
    [
      'services:\n  web:\n    image: x\n    odd: 1\n',
      "validating /compose.yaml: services.web additional properties 'odd' not allowed (line 4)",
    ],
    [
      'services:\n  web:\n    image: x\n    ports:\n      - 80\n      - target: []\n',
      'services.web.ports.1.target must be a integer or string (line 6)',
    ],
    [
      'services:\n  web:\n    image: ${NO:?m}\n',
      'error while interpolating services.web.image: required variable NO is missing a value: m (line 3)',
    ],
    ['services:\n  web:\n    command: [a, "${"]\n', '\n${ (line 3)'],
    ['services:\n  web:\n    tty: "maybe"\n', 'failed to cast to expected type: invalid boolean: maybe (line 3)'],
    ['services: [a]\n', 'services must be a mapping'],
    ['- a\n', 'top-level object must be a mapping (in /compose.yaml)'],
    ['', 'empty compose file'],
  ])('%j', async (text, message) => {
    expect(await refused(text)).toContain(message);
  });

  test('circles and what is missing', async () => {
    expect(await refused('services: {a: {extends: b}, b: {extends: a}}')).toContain(
      'Circular reference:\n  a in /compose.yaml',
    );
    expect(await refused('include: [compose.yaml]\nservices: {a: {image: x}}')).toContain('include cycle detected:');
    expect(await refused('include: [no.yaml]')).toContain('open /no.yaml: no such file or directory');
    expect(await refused('services: {a: {extends: {file: no.yaml, service: a}}}')).toContain('open /no.yaml: no such');
    expect(await refused('services: {a: {image: x, depends_on: [b]}, b: {image: x, depends_on: [a]}}')).toContain(
      'dependency cycle',
    );
  });

  test('a file that is no text', async () => {
    writeFileSync(join(root, 'compose.yaml'), Buffer.from([0x61, 0x3a, 0xff]));
    await expect(load({})).rejects.toThrow('yaml: invalid UTF-8');
  });
});

test('a file of ten megabytes is read', async () => {
  const labels = Array.from({ length: 20_000 }, (_, at) => `      key${at}: "${'somewhat long '.repeat(36)}"\n`);
  const { services } = await load({
    'compose.yaml': `services:\n  web:\n    image: x\n    labels:\n${labels.join('')}`,
  });
  expect(Object.keys(services.web?.labels ?? {})).toHaveLength(20_000);
});

test('names that objects have by themselves are names like others', async () => {
  const text =
    'services: {constructor: {image: x, labels: {toString: a, __proto__: b}}, web: {image: x, extends: constructor}}';
  const { services } = await load({ 'compose.yaml': text });
  expect(Object.keys(services)).toEqual(['constructor', 'web']);
  expect(JSON.stringify(services.web?.labels)).toContain('"toString":"a"');
  expect({}).not.toHaveProperty('b');
});

test('what is included has its own directory and variables', async () => {
  const { services } = await load({
    'compose.yaml': 'include: [sub/c.yaml]\nservices: {web: {image: "$A", depends_on: [in]}}\n',
    'sub/c.yaml': 'services: {in: {image: "$A$B", build: ./here}}\n',
    '.env': 'A=top\n',
    'sub/.env': 'A=sub\nB=sub\n',
  });
  expect(services.in).toMatchObject({ image: 'topsub', build: { context: join(root, 'sub/here') } });
  expect(services.web?.image).toBe('top');
});

test('no profile is active where none is named', async () => {
  const files = { 'compose.yaml': 'services: {a: {image: x}}' };
  expect((await load(files)).profiles).toEqual([]);
  expect((await load(files, { environment: { COMPOSE_PROFILES: ' p,,q' } })).profiles).toEqual(['p', 'q']);
});

test('who wants to know is told of all that a project is read from, and of what was not there', async () => {
  const looked = new Set<string>();
  const files = {
    'up/compose.yaml': `
include: [{path: sub/in.yaml, env_file: in.env}, sub/other/c.yaml]
services:
  web: {extends: {file: base.yaml, service: web}, label_file: web.labels}
  job: {image: x, env_file: [{path: job.env, required: false}, all.env]}
`,
    'up/sub/in.yaml': 'services: {in: {image: x}}',
    'up/sub/other/c.yaml': 'services: {other: {image: x}}',
    'up/in.env': '',
    'up/base.yaml': 'services: {web: {image: x}}',
    'up/web.labels': 'a=b',
    'up/all.env': '',
    'up/.env': '',
    'up/down/here': '',
  };
  await load(files, { cwd: join(root, 'up/down'), look: (path) => looked.add(path) });
  const found = [...looked].map((path) => path.replace(`${root}/up/`, ''));
  expect(found).toEqual(expect.arrayContaining(['compose.yaml', '.env', 'base.yaml', 'web.labels', 'all.env']));
  expect(found).toEqual(expect.arrayContaining(['sub/in.yaml', 'in.env', 'sub/other/c.yaml', 'sub/other/.env']));
  expect(found).toEqual(expect.arrayContaining(['job.env', 'compose.override.yml', 'docker-compose.override.yaml']));
  expect(found).toEqual(expect.arrayContaining(['down/.env', 'down/compose.yml', 'down/docker-compose.yaml']));
  looked.clear();
  const stdin = async () => 'services: {a: {image: x}}';
  await load({}, { files: ['-'], stdin, look: (path) => looked.add(path) });
  expect([...looked]).toContain('-');
});

test('and of every variable that a file asks for, whether it is set or not', async () => {
  const asked = new Set<string>();
  const files = {
    'compose.yaml': `
include: [sub/c.yaml]
services:
  web:
    image: "\${TAG:-x}"
    environment: [LISTED]
    build: {context: ., args: {MAPPED: }}
    env_file: [web.env]
secrets: {token: {environment: TOKEN}}
`,
    '.env': 'FROM_ENV=$NAMED_THERE\n',
    'web.env': 'A=${IN_FILE}\nINHERITED\n',
    'sub/c.yaml': 'services: {in: {image: "${INCLUDED:-x}"}}',
  };
  const environment = { TAG: 'y', LOGIN: '1', LISTED: '2' };
  await load(files, { environment, warn: () => undefined, ask: (name) => asked.add(name) });
  const names = ['TAG', 'LISTED', 'MAPPED', 'TOKEN', 'NAMED_THERE', 'IN_FILE', 'INHERITED', 'INCLUDED'];
  expect([...asked]).toEqual(expect.arrayContaining(names));
  expect([...asked]).not.toContain('LOGIN');
  expect([...asked]).not.toContain('FROM_ENV');
});
