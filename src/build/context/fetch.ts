/** Contexts that are not directories of the user's: fetched into directories of ours. */
import { closeSync, mkdirSync, openSync, readSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { withoutCredentials } from '#base/web-address.ts';
import { ARCHIVE_START, readDefinition, spool } from '#build/context/files.ts';
import { fetchGit } from '#build/context/git.ts';
import type { GitAddress } from '#build/context/git-address.ts';
import type { Fetching, Main } from '#build/context/place.ts';
import { reworded } from '#build/dockerfile/fault.ts';
import { step } from '#build/progress.ts';
import { isArchive, unpackFiles } from '#store/unpack-files.ts';
import { removeTree } from '#sys/file.ts';

export async function clone({ place, report, abort }: Fetching, text: string, address: GitAddress): Promise<string> {
  const at = place('git');
  return step(report, `[internal] load git source ${withoutCredentials(text)}`, async ({ say }) => {
    const { root } = await fetchGit(address, at, { abort, said: say }).catch(failing('failed to read dockerfile'));
    return root;
  });
}

/** Standard input: an archive is the context, anything else the Dockerfile of an empty one. */
export async function fromStdin({ place, store, report, abort }: Fetching, stdin: Readable): Promise<Main> {
  const spooled = place('stdin');
  const start = await spool(stdin, spooled, abort);
  const path = place('context');
  mkdirSync(path, { mode: 0o755 });
  if (!isArchive(start)) return { path, isForeign: false, dockerfile: readDefinition(spooled, 'Dockerfile') };
  await step(report, '[internal] load remote build context', () =>
    unpackFiles(store, spooled, path, { abort }).catch(failing('failed to read dockerfile')),
  );
  removeTree(spooled);
  return { path, isForeign: true };
}

/** What is at an address: an archive of the context, or a file that is the Dockerfile where no other one is named. */
export async function fromWeb({ place, store, report, abort }: Fetching, address: string): Promise<Main> {
  const [path, fetched] = [place('context'), place('download')];
  return step(report, '[internal] load remote build context', async ({ tell }) => {
    const { fetchFile } = await import('#build/context/http.ts');
    const progress = (current: number, total: number) => tell('downloading', { current, total });
    const { size } = await fetchFile(address, fetched, { abort, progress }).catch(
      failing('failed to read downloaded context'),
    );
    tell('downloading', { current: size, total: size, done: true });
    mkdirSync(path, { mode: 0o755 });
    if (isArchive(startOf(fetched))) {
      await unpackFiles(store, fetched, path, { abort }).catch(failing('failed to read dockerfile'));
      return { path, isForeign: true };
    }
    const dockerfile = readDefinition(fetched, 'Dockerfile');
    writeFileSync(join(path, 'context'), dockerfile);
    return { path, isForeign: true, dockerfile };
  });
}

/** BuildKit's words for a context that can't be had. */
const failing = (what: string) => (error: unknown) => {
  throw reworded(error, (message) => `failed to solve: ${what}: ${message}`);
};

function startOf(path: string): Buffer {
  const fd = openSync(path, 'r');
  const start = Buffer.alloc(ARCHIVE_START);
  const size = readSync(fd, start, 0, start.length, 0);
  closeSync(fd);
  return start.subarray(0, size);
}
