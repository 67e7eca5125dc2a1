import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkName, findFiles, nameOfDirectory, normalizeName, variablesFound } from '#compose/load/files.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'wherry-files-'));
});
afterEach(() => rmSync(root, { recursive: true }));

const make = (...names: string[]) => names.map((name) => writeFileSync(join(root, name), ''));
const warned: string[] = [];
const find = (given: Partial<Parameters<typeof findFiles>[0]> = {}) =>
  findFiles({ files: [], cwd: root, environment: {}, warn: (text) => warned.push(text), ...given });
const namesOf = (files: string[]) => files.map((file) => file.slice(root.length + 1));

describe('the files of a project', () => {
  test.each<[string[], string[]]>([
    [['compose.yml', 'docker-compose.yml'], ['compose.yml']],
    [['docker-compose.yaml'], ['docker-compose.yaml']],
    [
      ['compose.yaml', 'compose.override.yaml', 'compose.override.yml'],
      ['compose.yaml', 'compose.override.yml'],
    ],
    [
      ['docker-compose.yml', 'docker-compose.override.yml'],
      ['docker-compose.yml', 'docker-compose.override.yml'],
    ],
  ])('of %j are %j', (there, found) => {
    make(...there);
    expect(namesOf(find().files)).toEqual(found);
  });

  test('are looked for above as well', () => {
    make('compose.yaml');
    mkdirSync(join(root, 'a/b'), { recursive: true });
    const { files, directory } = find({ cwd: join(root, 'a/b') });
    expect(namesOf(files)).toEqual(['compose.yaml']);
    expect(directory).toBe(root);
  });

  test('are those that are named', () => {
    expect(namesOf(find({ files: ['sub/a.yaml', 'b.yaml'] }).files)).toEqual(['sub/a.yaml', 'b.yaml']);
    expect(find({ files: ['-', 'sub/a.yaml'] })).toMatchObject({
      files: ['-', join(root, 'sub/a.yaml')],
      directory: join(root, 'sub'),
    });
    expect(find({ files: ['sub/a.yaml'], projectDirectory: 'other' }).directory).toBe(join(root, 'other'));
  });

  test('may be named by COMPOSE_FILE, in .env too', () => {
    make('a.yaml', 'b.yaml');
    expect(namesOf(find({ environment: { COMPOSE_FILE: 'a.yaml:b.yaml' } }).files)).toEqual(['a.yaml', 'b.yaml']);
    writeFileSync(join(root, '.env'), 'COMPOSE_FILE=b.yaml,a.yaml\nCOMPOSE_PATH_SEPARATOR=,\n');
    expect(namesOf(find().files)).toEqual(['b.yaml', 'a.yaml']);
    expect(() => find({ environment: { COMPOSE_FILE: 'no.yaml' } })).toThrow(`stat ${root}/no.yaml: no such file`);
  });

  test.each(['oci://docker.io/a/b', 'https://github.com/a/b.git#v1:web', 'git@host:b'])(
    'may be elsewhere, and then the directory is ours until they are fetched: %s',
    (address) => {
      expect(find({ files: [address] })).toMatchObject({ files: [address], directory: root });
      expect(find({ files: ['-', address, 'sub/a.yaml'] }).directory).toBe(root);
    },
  );

  test('see the environment over env files', () => {
    make('compose.yaml');
    writeFileSync(join(root, '.env'), 'A=file\nB=file\n');
    writeFileSync(join(root, 'o.env'), 'A=other\n');
    expect(find({ environment: { A: 'shell' } }).environment).toMatchObject({ A: 'shell', B: 'file' });
    expect(find({ envFiles: ['o.env'] }).environment).toEqual({ PWD: root, A: 'other' });
    expect(find({ environment: { COMPOSE_DISABLE_ENV_FILE: 'true' } }).environment.A).toBeUndefined();
    expect(() => find({ envFiles: ['no.env'] })).toThrow(`couldn't find env file: ${root}/no.env`);
  });
});

describe('the name of a project', () => {
  test.each([
    ['My.App_2-x', 'myapp_2-x'],
    ['_-9a', '9a'],
    ['Über', 'ber'],
    ['...', ''],
  ])('%s becomes %s', (name, normal) => {
    expect(normalizeName(name)).toBe(normal);
  });

  test('that is given has to be one', () => {
    expect(checkName('a-b_1')).toBe('a-b_1');
    expect(() => checkName('A b')).toThrow('invalid project name "A b": must consist only of lowercase');
  });

  test('may be that of a link, with a warning', () => {
    mkdirSync(join(root, 'real'));
    symlinkSync('real', join(root, 'link'));
    const lines: string[] = [];
    expect(nameOfDirectory(join(root, 'link'), (line) => lines.push(line))).toBe('link');
    expect(lines).toEqual(['project has been loaded without an explicit name from a symlink. Using name "link"']);
  });
});

test('what env files say is known before a file of the project is looked for', () => {
  writeFileSync(join(root, '.env'), 'COMPOSE_ANSI=never\nA=file\n');
  mkdirSync(join(root, 'sub'));
  writeFileSync(join(root, 'sub/.env'), 'COMPOSE_ANSI=always\n');
  const known = (given: Partial<Parameters<typeof findFiles>[0]>) =>
    variablesFound({ files: [], cwd: root, environment: { A: 'own' }, warn: () => undefined, ...given });
  expect(known({})).toMatchObject({ COMPOSE_ANSI: 'never', A: 'own' });
  expect(known({ files: ['-', 'sub/none.yaml'] })).toMatchObject({ COMPOSE_ANSI: 'always' });
  expect(known({ projectDirectory: 'sub' })).toMatchObject({ COMPOSE_ANSI: 'always' });
  expect(known({ envFiles: ['sub/.env'] })).toMatchObject({ COMPOSE_ANSI: 'always' });
  expect(known({ environment: { COMPOSE_DISABLE_ENV_FILE: '1' } })).not.toHaveProperty('COMPOSE_ANSI');
  expect(() => known({ projectDirectory: '.env' })).toThrow('.env/.env: not a directory');
});
