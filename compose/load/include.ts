/** `include`: another project's services, networks and the rest, with that project's own directory and variables. */

import { statSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { hasCode } from '#base/error.ts';
import { readEnvFiles, type Variables } from '#compose/load/dotenv.ts';
import { isFile } from '#compose/load/files.ts';
import type { Fetched } from '#compose/load/remote.ts';
import type { Told } from '#compose/load/told.ts';
import { isRemote } from '#compose/model/paths.ts';
import { invalid, isMap, sprint, type Tree, type TreeMap, typeName } from '#compose/model/tree.ts';

export interface Including {
  /** The project's directory as this file sees it: absolute. */
  directory: string;
  environment: Variables;
  /** The files that we are inside of. */
  chain: readonly string[];
  told: Told;
  /** Fetches a file that is elsewhere. */
  remote: (address: string) => Promise<Fetched>;
  /** Loads files as a project of their own; paths are resolved against `base`, which is relative to our directory. */
  load: (
    files: string[],
    included: { directory: string; base: string; environment: Variables; chain: readonly string[] },
  ) => Promise<TreeMap>;
}

const KINDS = ['services', 'volumes', 'networks', 'secrets', 'configs', 'models'];

/** Brings in all that a tree includes, in place. Throws kind `invalid`, in compose's words. */
export async function applyInclude(tree: TreeMap, including: Including): Promise<void> {
  const { include } = tree;
  delete tree.include;
  if (include === undefined || include === null) return;
  if (!Array.isArray(include)) throw invalid(`\`include\` must be a list, got ${sprint(include)}`);
  for (const [at, item] of include.entries()) {
    const entry = readEntry(item, at);
    if (entry.paths.length === 0) continue;
    const imported = await loadEntry(entry, including);
    for (const kind of KINDS) bringIn(imported, tree, kind);
  }
}

interface Entry {
  paths: string[];
  directory?: string;
  envFiles: string[];
}

/** Without a path it includes nothing. */
function readEntry(entry: Tree, at: number): Entry {
  if (!isMap(entry) && typeof entry !== 'string' && entry !== null) {
    const found = JSON.stringify(typeName(entry));
    throw invalid(`decoding failed due to the following error(s): '[${at}]' expected a map or struct, got ${found}`);
  }
  const { path, env_file: envFile, project_directory: directory } = isMap(entry) ? entry : { path: entry };
  return {
    paths: texts(path),
    envFiles: texts(envFile),
    ...(typeof directory === 'string' && directory !== '' ? { directory } : {}),
  };
}

const texts = (value: Tree): string[] => [value ?? []].flat().filter((item) => typeof item === 'string');

async function loadEntry({ paths, directory, envFiles }: Entry, including: Including): Promise<TreeMap> {
  const files: string[] = [];
  for (const path of paths) {
    files.push(isRemote(path) ? (await including.remote(path)).file : resolve(including.directory, path));
  }
  const [main] = files as [string, ...string[]];
  if (including.chain.includes(main)) {
    const [first, ...more] = [...including.chain, main];
    throw invalid(`include cycle detected:\n${first}\n include ${more.join('\n include ')}`);
  }
  const own = directory === undefined ? dirname(main) : resolve(including.directory, directory);
  const isElsewhere = isRemote(paths[0] ?? '') || (directory !== undefined && isAbsolute(directory));
  const base = isElsewhere ? own : relative(including.directory, own) || '.';
  const found =
    envFiles.length === 0
      ? defaultEnvFile(own, including.told)
      : envFiles.map((file) => envFileAt(including.directory, file));
  const variables = readEnvFiles(found, including.environment, including.told);
  const isOwn = Object.keys(variables).length > 0;
  const environment = isOwn ? { ...variables, ...including.environment } : including.environment;
  return including.load(files, { directory: own, base, environment, chain: including.chain });
}

function defaultEnvFile(directory: string, { look }: Told): string[] {
  const path = join(directory, '.env');
  look?.(path);
  return isFile(path) ? [path] : [];
}

function envFileAt(directory: string, file: string): string {
  if (isAbsolute(file)) return file;
  const path = join(directory, file);
  try {
    if (!statSync(path).isDirectory()) return path;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) throw invalid(`stat ${path}: no such file or directory`);
    throw error;
  }
  throw invalid(`${path} is not a file`);
}

/** What both have must be the same. */
function bringIn(imported: TreeMap, tree: TreeMap, kind: string): void {
  const from = imported[kind];
  if (!isMap(from)) return;
  const to = isMap(tree[kind]) ? tree[kind] : {};
  for (const [name, value] of Object.entries(from)) {
    if (!Object.hasOwn(to, name)) to[name] = value;
    else if (!isDeepStrictEqual(to[name], value)) throw invalid(`${kind}.${name} conflicts with imported resource`);
  }
  tree[kind] = to;
}
