/** Which files make a project, which directory is its own, and which variables it sees. */

import { existsSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { hasCode } from '#base/error.ts';
import { parseBool } from '#base/units.ts';
import { readEnvFiles, type Variables } from '#compose/load/dotenv.ts';
import type { Told } from '#compose/load/told.ts';
import { isRemote } from '#compose/model/paths.ts';
import { invalid } from '#compose/model/tree.ts';

export interface Where extends Told {
  /** As given by `-f`: paths, and `-` for standard input. Empty: COMPOSE_FILE, or what is found. */
  files: readonly string[];
  cwd: string;
  projectDirectory?: string | undefined;
  /** In place of `.env`. */
  envFiles?: readonly string[] | undefined;
  /** The process's. */
  environment: Variables;
  /** Told of every variable that is asked for. */
  ask?: (name: string) => void;
}

export interface Found {
  /** Absolute, `-`, or the address of one that is elsewhere. */
  files: string[];
  /** What is fetched has a directory of its own; this one then gives the name and `.env`. */
  directory: string;
  /** The process's variables over those of env files. */
  environment: Variables;
}

/** In this order. */
export const FILE_NAMES = ['compose.yaml', 'compose.yml', 'docker-compose.yml', 'docker-compose.yaml'];
const OVERRIDES = [
  'compose.override.yml',
  'compose.override.yaml',
  'docker-compose.override.yml',
  'docker-compose.override.yaml',
];

/** Throws kind `invalid`, in compose's words, where there is no file, or one that was named isn't there. */
export function findFiles(where: Where): Found {
  const { cwd } = where;
  const given = named(where);
  // What is in the first `.env` may name the files, and theirs may be another one.
  const environment = withEnvFiles({ PWD: cwd, ...where.environment }, directoryOf(given, where), where);
  const files = given.length > 0 ? given : (fromEnvironment(environment, cwd) ?? lookUp(directoryOf([], where), where));
  const directory = directoryOf(files, where);
  return { files, directory, environment: overheard(withEnvFiles(environment, directory, where), where) };
}

/** The process's variables over those of env files, before any file of the project is looked for. */
export function variablesFound(where: Where): Variables {
  return withEnvFiles({ PWD: where.cwd, ...where.environment }, directoryOf(named(where), where), where);
}

const named = ({ cwd, files }: Where) =>
  files.map((file) => (file === '-' || isRemote(file) ? file : resolve(cwd, file)));

function directoryOf(files: readonly string[], { cwd, projectDirectory }: Where): string {
  if (projectDirectory) return resolve(cwd, projectDirectory);
  const first = files.find((file) => file !== '-');
  return first === undefined || isRemote(first) ? cwd : dirname(first);
}

function withEnvFiles(environment: Variables, directory: string, where: Where): Variables {
  const { cwd, envFiles = [], look } = where;
  let files = envFiles.map((file) => resolve(cwd, file));
  if (files.length === 0) {
    const own = join(directory, '.env');
    const { COMPOSE_DISABLE_ENV_FILE: disabled } = environment;
    if (disabled !== undefined && readSwitch(disabled)) return environment;
    look?.(own);
    if (isFile(directory)) throw invalid(`stat ${own}: not a directory`);
    if (!isFile(own)) return environment;
    files = [own];
  }
  return { ...readEnvFiles(files, overheard(environment, where), where), ...environment };
}

/** The same variables; of each that is asked for somebody is told. */
function overheard(environment: Variables, { ask }: Pick<Where, 'ask'>): Variables {
  if (ask === undefined) return environment;
  const hear = (name: string | symbol) => typeof name === 'string' && ask(name);
  return new Proxy(environment, {
    get: (variables, name) => {
      hear(name);
      return Reflect.get(variables, name);
    },
    getOwnPropertyDescriptor: (variables, name) => {
      hear(name);
      return Reflect.getOwnPropertyDescriptor(variables, name);
    },
  });
}

/** A variable's boolean. Throws kind `invalid` in Go's words, after `about`. */
export function readSwitch(value: string, about = ''): boolean {
  const read = parseBool(value);
  if (read !== undefined) return read;
  throw invalid(`${about}strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax`);
}

export function isFile(path: string): boolean {
  try {
    return !statSync(path).isDirectory();
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return false;
    throw error;
  }
}

function fromEnvironment(environment: Variables, cwd: string): string[] | undefined {
  const value = environment.COMPOSE_FILE;
  if (value === undefined) return undefined;
  return value.split(environment.COMPOSE_PATH_SEPARATOR || ':').map((file) => {
    if (file === '-') return file;
    const path = resolve(cwd, file);
    if (!existsSync(path)) throw invalid(`stat ${path}: no such file or directory`);
    return path;
  });
}

/** From a directory upwards: the first file of ours, and an override beside it. */
function lookUp(start: string, told: Told): string[] {
  for (let directory = start; ; directory = dirname(directory)) {
    const [found, ...more] = present(FILE_NAMES, directory, told);
    if (found !== undefined) {
      if (more.length > 0) {
        told.warn(`Found multiple config files with supported names: ${[found, ...more].join(', ')}`);
        told.warn(`Using ${found}`);
      }
      return [found, ...overrideIn(directory, told)];
    }
    if (directory === dirname(directory)) throw invalid('no configuration file provided: not found');
  }
}

function present(names: readonly string[], directory: string, { look }: Told): string[] {
  const paths = names.map((name) => join(directory, name));
  for (const path of paths) look?.(path);
  return paths.filter((path) => existsSync(path));
}

function overrideIn(directory: string, told: Told): string[] {
  const [found, ...more] = present(OVERRIDES, directory, told);
  if (found === undefined) return [];
  if (more.length > 0) {
    told.warn(`Found multiple override files with supported names: ${[found, ...more].join(', ')}`);
    told.warn(`Using ${found}`);
  }
  return [found];
}

/** Lower case letters, digits, `-` and `_`, of which the first is a letter or digit: what is else is left out. */
export const normalizeName = (name: string): string =>
  name
    .toLowerCase()
    .replace(/[^a-z0-9_-]/g, '')
    .replace(/^[_-]+/, '');

/** Throws kind `invalid` for a name that isn't one. */
export function checkName(name: string): string {
  if (name === normalizeName(name)) return name;
  throw invalid(
    `invalid project name ${JSON.stringify(name)}: must consist only of lowercase alphanumeric characters, hyphens, and underscores as well as start with a letter or number`,
  );
}

/** The name that a directory gives its project. */
export function nameOfDirectory(directory: string, warn: (text: string) => void): string {
  const name = basename(directory);
  if (existsSync(directory) && basename(realpathSync(directory)) !== name) {
    warn(`project has been loaded without an explicit name from a symlink. Using name ${JSON.stringify(name)}`);
  }
  return normalizeName(name);
}
