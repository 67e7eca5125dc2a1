/**
 * The Container Device Interface (CDI 1.1): files in which vendors say what a container needs to use a device. They are
 * root's and the user's own; what they name is given as it stands.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasCode, WherryError } from '#base/error.ts';
import { type CdiEdits, type CdiFile, checkCdi } from '#container/cdi-format.ts';

/** Where the files are; what a later directory has goes before what an earlier one has. */
export function cdiDirectories(home: string, env: NodeJS.ProcessEnv = process.env): string[] {
  return ['/etc/cdi', '/var/run/cdi', join(env.XDG_CONFIG_HOME || join(home, '.config'), 'cdi')];
}

interface CdiDevice {
  /** The file's path. */
  path: string;
  file: CdiFile;
  edits: CdiEdits;
}

/** All devices that the files have. */
export interface CdiRegistry {
  /** By their whole names, vendor.com/class=name. */
  devices: ReadonlyMap<string, CdiDevice>;
  /** The vendor.com/class of each file. */
  kinds: ReadonlySet<string>;
  /** Why files could not be used: sentences. */
  problems: readonly string[];
}

/** Reads what is there. A file that can't be used is a problem, and nothing of it counts. */
export async function readCdi(directories: readonly string[]): Promise<CdiRegistry> {
  const devices = new Map<string, CdiDevice>();
  const kinds = new Set<string>();
  const problems: string[] = [];
  for (const directory of directories) {
    const here = await readDirectory(directory, problems);
    for (const { file } of here) kinds.add(file.kind);
    for (const [name, several] of byName(here)) {
      const [one, other] = several;
      if (one !== undefined && other === undefined) devices.set(name, one);
      if (other === undefined) continue;
      // Neither of two with the same right goes first.
      devices.delete(name);
      problems.push(`"${name}" is both in "${one?.path}" and in "${other.path}"`);
    }
  }
  return { devices, kinds, problems };
}

type Read = Pick<CdiDevice, 'path' | 'file'>;

async function readDirectory(directory: string, problems: string[]): Promise<Read[]> {
  const read: Read[] = [];
  for (const path of filesIn(directory)) {
    const file = await readFile(path, problems);
    if (file !== undefined) read.push({ path, file });
  }
  return read;
}

function byName(files: readonly Read[]): Map<string, CdiDevice[]> {
  const named = files.flatMap(({ path, file }) =>
    file.devices.map(({ name, containerEdits = {} }) => ({
      name: `${file.kind}=${name}`,
      device: { path, file, edits: containerEdits },
    })),
  );
  const groups = Map.groupBy(named, ({ name }) => name);
  return new Map([...groups].map(([name, group]) => [name, group.map(({ device }) => device)]));
}

function filesIn(directory: string): string[] {
  try {
    const names = readdirSync(directory).filter((name) => /\.(json|yaml)$/.test(name));
    return names.sort().map((name) => join(directory, name));
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'EACCES')) return [];
    throw error;
  }
}

async function readFile(path: string, problems: string[]): Promise<CdiFile | undefined> {
  try {
    const text = readFileSync(path, 'utf8');
    const value: unknown = path.endsWith('.json') ? JSON.parse(text) : (await import('js-yaml')).load(text);
    return checkCdi(value);
  } catch (error) {
    problems.push(`"${path}" can't be used: ${(error as Error).message.split('\n')[0]}`);
    return undefined;
  }
}

/**
 * What these devices need together: each file's own edits once, then those of the devices.
 * Throws kind `not-found` in Docker's words for names that no file has.
 */
export function editsFor(registry: CdiRegistry, names: readonly string[]): CdiEdits[] {
  const missing = names.filter((name) => !registry.devices.has(name));
  if (missing.length > 0) {
    const [problem = 'Files that name devices are looked for in /etc/cdi, /var/run/cdi and ~/.config/cdi'] =
      registry.problems;
    throw new WherryError(
      'not-found',
      `CDI device injection failed: unresolvable CDI devices ${[...new Set(missing)].join(', ')}`,
      { hint: problem },
    );
  }
  const found = [...new Set(names)].flatMap((name) => registry.devices.get(name) ?? []);
  const files = new Map(found.map(({ path, file }) => [path, file.containerEdits ?? {}]));
  return [...files.values(), ...found.map(({ edits }) => edits)];
}
