/** What the record of a build says of it: buildx names one after its context, and its Dockerfile where that is another. */
import { existsSync } from 'node:fs';
import { basename, relative, resolve } from 'node:path';
import { given } from '#base/given.ts';
import type { recordBuild } from '#build/history.ts';
import type { BuildValues } from '#cli/build/request.ts';

export function aboutOf(
  path: string,
  { file = '', target, platform }: BuildValues,
): Omit<Parameters<typeof recordBuild>[1], 'builder'> {
  const isHere = existsSync(path);
  const context = isHere ? resolve(path) : path;
  const dockerfile = file === '' || file === '-' ? 'Dockerfile' : isHere ? relative(context, resolve(file)) : file;
  const name = isHere ? basename(context) : context;
  const full = dockerfile === 'Dockerfile' ? name : `${name}/${dockerfile}`;
  const more = given({ target: target || undefined, platforms: platform.length === 0 ? undefined : platform });
  return { name: target ? `${full} (${target})` : full, context, dockerfile, ...more };
}
