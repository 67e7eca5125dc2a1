/** `extends`: a service begins as another one, of this file or of another. */

import { dirname, relative, resolve } from 'node:path';
import { extend } from '#compose/load/merge.ts';
import type { Fetched } from '#compose/load/remote.ts';
import { isRemote, resolvePaths } from '#compose/model/paths.ts';
import { copyOf, invalid, isMap, type Tree, type TreeMap } from '#compose/model/tree.ts';

export interface Extending {
  /** The file that is being read, absolute. */
  file: string;
  /** What relative files are relative to. */
  directory: string;
  /** Reads another file's tree: interpolated and in long form, but neither checked nor extended. */
  read: (file: string) => Promise<{ tree: TreeMap; forgotten: string[][] }>;
  /** Fetches a file that is elsewhere. */
  remote: (address: string) => Promise<Fetched>;
  /** Paths under !reset and !override of what is being read. */
  forgotten: readonly string[][];
}

/** Where we came through. */
type Chain = readonly { file: string; service: string }[];

/** Extends every service of a tree that asks for it, in place. Throws kind `invalid`, in compose's words. */
export async function applyExtends(tree: TreeMap, extending: Extending): Promise<void> {
  if (!('services' in tree)) return;
  const services = tree.services;
  if (!isMap(services)) throw invalid('services must be a mapping');
  for (const name of Object.keys(services)) {
    services[name] = await extended(name, services, extending, []);
  }
}

async function extended(name: string, services: TreeMap, extending: Extending, chain: Chain): Promise<Tree> {
  const service = services[name];
  if (service === null || service === undefined) return null;
  if (!isMap(service)) throw invalid(`services.${name} must be a mapping`);
  if (!('extends' in service)) return service;
  const { ref, other } = readReference(service.extends, name);
  let source = services;
  let forgotten: string[][] = [];
  if (other !== undefined) {
    ({ source, forgotten } = await readBase(other, name, ref, extending));
  } else if (!Object.hasOwn(services, ref)) {
    throw invalid(
      `cannot extend service ${JSON.stringify(name)} in ${extending.file}: service ${JSON.stringify(ref)} not found`,
    );
  }
  const next = follow(chain, other ?? extending.file, name);
  const base = await extended(ref, source, { ...extending, forgotten }, next);
  if (!isMap(base)) return service;
  const copy = copyOf(base);
  for (const path of extending.forgotten) forget({ services: { [name]: copy } }, path);
  const merged = extend(copy, service);
  delete merged.extends;
  services[name] = merged;
  return merged;
}

function readReference(value: Tree, name: string): { ref: string; other?: string } {
  if (typeof value === 'string') return { ref: value };
  if (!isMap(value) || typeof value.service !== 'string') throw invalid(`extends.${name}.service is required`);
  return typeof value.file === 'string' ? { ref: value.service, other: value.file } : { ref: value.service };
}

/** The services of another file. Their paths are made relative to our directory. */
async function readBase(other: string, name: string, ref: string, { file, directory, read, remote }: Extending) {
  const far = isRemote(other) ? await remote(other) : undefined;
  const path = far?.file ?? resolve(directory, other);
  const { tree, forgotten } = await read(path);
  const cannot = `cannot extend service ${JSON.stringify(name)} in`;
  if (!('services' in tree)) throw invalid(`${cannot} ${path}: no services section`);
  if (!isMap(tree.services)) throw invalid(`${cannot} ${path}: services must be a mapping`);
  if (!Object.hasOwn(tree.services, ref)) {
    throw invalid(`${cannot} ${file}: service ${JSON.stringify(ref)} not found in ${other}`);
  }
  // As docker compose: of what is fetched, from the root, wherever the file is below it.
  resolvePaths(tree, far?.root ?? (relative(directory, dirname(path)) || '.'));
  return { source: tree.services, forgotten };
}

function follow(chain: Chain, file: string, service: string): Chain {
  const next = [...chain, { file, service }];
  if (!chain.some((link) => link.file === file && link.service === service)) return next;
  const [first, ...more] = next.map((link) => `${link.service} in ${link.file}`);
  throw invalid(['Circular reference:', `  ${first}`, ...more.map((link) => `  extends ${link}`)].join('\n'));
}

/** Takes what is at a path out of a tree. Items of lists stay. */
export function forget(tree: TreeMap, path: readonly string[]): void {
  let map: Tree = tree;
  for (const word of path.slice(0, -1)) {
    if (!isMap(map)) return;
    map = map[word];
  }
  if (isMap(map)) delete map[path.at(-1) as string];
}
