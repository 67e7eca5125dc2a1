/** Changed files into a service's containers, and what is gone out of them. */
import { lstatSync } from 'node:fs';
import { WherryError } from '#base/error.ts';
import { readPresent } from '#compose/apply/identify.ts';
import type { Scope } from '#compose/apply/scope.ts';
import type { Project } from '#compose/model/project.ts';
import type { Mapping } from '#compose/watch/rules.ts';
import { archiveOf } from '#container/copy-read.ts';
import { execContainer } from '#container/exec.ts';
import { NO_STREAMS } from '#container/streams.ts';
import { copyIn } from '#engine/copy.ts';

/** Each once; directories without what is in them. All containers are tried before anything is thrown. */
export async function syncFiles(
  { store }: Scope,
  { name }: Pick<Project, 'name'>,
  service: string,
  mappings: readonly Mapping[],
): Promise<void> {
  const unique = [...new Map(mappings.map((one) => [one.target, one])).values()];
  const isThere = ({ path }: Mapping) => lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  const { files = [], gone = [] } = Object.groupBy(unique, (one) => (isThere(one) ? 'files' : 'gone'));
  const containers = readPresent(store, name).filter((one) => one.service === service && !one.isOneOff);
  const done = await Promise.allSettled(
    containers.map(async ({ id }) => {
      if (gone.length > 0)
        await remove(
          store,
          id,
          gone.map(({ target }) => target),
        );
      if (files.length > 0) await copyIn(store, { container: id, path: '/', from: pieces(files) });
    }),
  );
  const failed = done.find((one) => one.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

async function* pieces(files: readonly Mapping[]): AsyncGenerator<Buffer> {
  yield* archiveOf(files.map(({ path, target }) => ({ path, name: target.replace(/^\/+/, '') })));
}

/** By the container's own rm, as docker compose. */
async function remove(store: Scope['store'], id: string, targets: readonly string[]): Promise<void> {
  const request = { cmd: ['rm', '-rf', ...targets], env: [], tty: false, detach: false, privileged: false };
  const exec = await execContainer(store, id, { ...request, streams: NO_STREAMS }, () => Promise.resolve());
  const status = exec.kind === 'started' ? await exec.exited : exec.status;
  if (status !== 0) throw new WherryError('unavailable', `deleting paths in ${id}: exit code ${status}`);
}
