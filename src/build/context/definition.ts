/** The Dockerfile, and the file that says what of a context is left out. */
import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { isDirectory, readDefinition, spool } from '#build/context/files.ts';
import { isWeb } from '#build/context/git-address.ts';
import type { Fetching, Main } from '#build/context/place.ts';
import { step } from '#build/progress.ts';
import type { BuildContext } from '#build/request.ts';
import { resolveInRoot } from '#sys/rooted.ts';

export interface FoundDockerfile {
  name: string;
  text: string;
  /** Where a .dockerignore of its own would be. */
  ignore?: string;
}

export interface DockerfileWords {
  /** --file; '' is the one of the context, '-' standard input. */
  file: string;
  /** A Dockerfile's text (compose, bake); it comes before `file`. */
  inline?: string;
  stdin: Readable;
}

/** Reads the Dockerfile. Throws kind `invalid` in BuildKit's words. */
export async function readDockerfile(
  fetching: Fetching,
  main: Main,
  { file, inline, stdin }: DockerfileWords,
): Promise<FoundDockerfile> {
  const { place, report, abort } = fetching;
  const given = inline ?? main.dockerfile;
  if (given !== undefined) return { name: 'Dockerfile', text: given };
  if (file === '-') {
    const fetched = place('dockerfile');
    await spool(stdin, fetched, abort);
    return { name: 'Dockerfile', text: readDefinition(fetched) };
  }
  if (isWeb(file)) {
    const fetched = place('dockerfile');
    const { fetchFile } = await import('#build/context/http.ts');
    await step(report, `[internal] load ${file}`, () => fetchFile(file, fetched, { abort }));
    return { name: 'Dockerfile', text: readDefinition(fetched) };
  }
  const path = placeOf(file, main);
  const name = basename(path);
  // BuildKit asks for what matches the name: to find nothing is no fault of this step.
  const read = await step(report, `[internal] load build definition from ${name}`, ({ tell }) => {
    tell('transferring dockerfile:');
    const shown = file === '' ? name : file.replace(/^\/+/, '');
    const text = existsSync(path) ? readDefinition(path, shown) : undefined;
    tell('transferring dockerfile:', { current: Buffer.byteLength(text ?? '') || 2, done: true });
    return { text, shown };
  });
  const text = read.text ?? readDefinition(path, read.shown);
  return { name, text, ignore: `${path}.dockerignore` };
}

/** Where the Dockerfile is: in a foreign context below its root, else as the shell would find it. */
function placeOf(file: string, { path, isForeign }: Main): string {
  if (isForeign) return resolveInRoot(path, file === '' ? 'Dockerfile' : file);
  const wanted = file === '' ? join(path, 'Dockerfile') : resolve(file);
  if (basename(wanted) !== 'Dockerfile' || !isDirectory(dirname(wanted))) return wanted;
  // Small letters are as good.
  const names = readdirSync(dirname(wanted));
  const isSmall = !names.includes('Dockerfile') && names.includes('dockerfile');
  return isSmall ? join(dirname(wanted), 'dockerfile') : wanted;
}

/** A directory as a context, with its .dockerignore: the Dockerfile's own, if there is one. */
export function withIgnore(fetching: Fetching, main: Main, own?: string): Promise<BuildContext> {
  const found = [own, join(main.path, '.dockerignore')].find((path) => path !== undefined && isIgnoreFile(path));
  return step(fetching.report, '[internal] load .dockerignore', ({ tell }) => {
    tell('transferring context:');
    const ignore = found === undefined ? undefined : readIgnore(main, found);
    // An answer without a file has two bytes in BuildKit's protocol.
    tell('transferring context:', { current: Buffer.byteLength(ignore?.text ?? '') + 2, done: true });
    return { kind: 'directory' as const, path: main.path, ...(ignore === undefined ? {} : { ignore }) };
  });
}

/** A directory of that name is one of the files. */
export const isIgnoreFile = (path: string) => existsSync(path) && !isDirectory(path);

export function readIgnore({ path, isForeign }: Main, found: string): { name: string; text: string } {
  const name = basename(found);
  return { name, text: readDefinition(isForeign ? resolveInRoot(path, found.slice(path.length)) : found) };
}
