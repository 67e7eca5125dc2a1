/** Which files a bake reads, and in what order: those of -f, of BUILDX_BAKE_FILE, or the usual ones that are there. */
import { existsSync, readFileSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { hasCode, WherryError } from '#base/error.ts';
import type { BakeFile } from '#build/bake/parse.ts';
import type { Report } from '#build/event.ts';
import { step } from '#build/progress.ts';

/** compose-go's names, then buildx's. */
const COMPOSE = ['compose.yaml', 'compose.yml', 'docker-compose.yml', 'docker-compose.yaml'];
const USUAL = [
  ...COMPOSE,
  'docker-bake.json',
  'docker-bake.hcl',
  'docker-bake.override.json',
  'docker-bake.override.hcl',
];

export interface BakeFiles {
  json: BakeFile[];
  compose: BakeFile[];
}

export interface FilesOptions {
  report: Report;
  environment: NodeJS.ProcessEnv;
}

/** Throws kind `not-found` where there is none, and `unsupported` for HCL. */
export async function readFiles(names: readonly string[], { report, environment }: FilesOptions): Promise<BakeFiles> {
  const given = names.length > 0 ? names : fromEnvironment(environment);
  const wanted = given.length > 0 ? given : USUAL.filter((name) => existsSync(name));
  const from = names.length === 0 && given.length > 0 ? ' from BUILDX_BAKE_FILE env' : '';
  const files = await step(report, `[internal] load local bake definitions${from}`, async ({ tell }) => {
    const read: BakeFile[] = [];
    for (const name of wanted) {
      const text = await readText(name);
      const size = Buffer.byteLength(text);
      tell(name === '-' ? 'reading from stdin' : `reading ${name}`, { current: size, total: size, done: true });
      read.push({ name, text });
    }
    return read;
  });
  if (files.length === 0) {
    throw new WherryError('not-found', "couldn't find a bake definition", {
      hint: 'Write a docker-bake.json or a compose.yaml here, or name a file with -f',
    });
  }
  const found: BakeFiles = { json: [], compose: [] };
  for (const file of files) found[kindOf(file)].push(file);
  return found;
}

function fromEnvironment({ BUILDX_BAKE_FILE, BUILDX_BAKE_PATH_SEPARATOR }: NodeJS.ProcessEnv): string[] {
  const parts = (BUILDX_BAKE_FILE ?? '').split(BUILDX_BAKE_PATH_SEPARATOR || ':').map((name) => name.trim());
  return parts.filter((name) => name !== '');
}

async function readText(name: string): Promise<string> {
  if (name === '-') return (await buffer(process.stdin)).toString('utf8');
  const path = name.replace(/^cwd:\/\//, '');
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    if (hasCode(cause, 'ENOENT')) {
      throw new WherryError('not-found', `open ${path}: no such file or directory`, { cause });
    }
    if (hasCode(cause, 'EISDIR')) throw new WherryError('invalid', `read ${path}: is a directory`, { cause });
    if (hasCode(cause, 'EACCES')) throw new WherryError('denied', `open ${path}: permission denied`, { cause });
    throw cause;
  }
}

/** By its name, else by what it looks like. */
function kindOf({ name, text }: BakeFile): keyof BakeFiles {
  if (/\.ya?ml$/i.test(name)) return 'compose';
  if (/\.json$/i.test(name) || /^\s*\{/.test(text)) return 'json';
  if (!/\.hcl$/i.test(name) && /^\s*(services|name|version|include)\s*:/m.test(text)) return 'compose';
  throw new WherryError('unsupported', `Cannot read ${name}: bake files in HCL are not supported`, {
    hint: `Write it as JSON or as a compose file ("docker buildx bake -f ${name} --print" gives JSON)`,
  });
}
