/** A build's result as archives and files. */
import { handOver } from '#base/hand-over.ts';
import { step } from '#build/progress.ts';
import type { BuildOutput, BuildRequest } from '#build/request.ts';
import { annotationsOf, needsIndex } from '#engine/build-index.ts';
import { type Delivery, fullName, type Made } from '#engine/build-indexed.ts';
import { inOrder } from '#oci/platform.ts';
import type { Store } from '#store/store.ts';

/** What BuildKit says of an image in an archive: when that was made. */
export const CREATED = 'org.opencontainers.image.created';

type Files = Extract<BuildOutput, { type: 'local' | 'tar' }>;
type Archive = Extract<BuildOutput, { type: 'docker' | 'oci' }>;

export async function saveArchive(
  store: Store,
  request: BuildRequest,
  { type, dest, names, tar }: Archive,
  { targets, index, created, report, abort, toStdout }: Made,
): Promise<void> {
  const { layOut, saveUnder } = await import('#image/save.ts');
  const images = targets.map(({ imageId: id }) => ({ id, names: names.map(fullName) }));
  const own = annotationsOf(request, needsIndex(request) ? 'index-descriptor' : 'manifest-descriptor');
  const annotations = { [CREATED]: created, ...own.annotations };
  const [one] = targets;
  const platform = needsIndex(request) || one === undefined ? {} : { platform: inOrder(one.platform) };
  const inside =
    index === undefined
      ? {}
      : { index: { top: index.top, others: [...index.images, ...index.manifests, ...index.blobs] } };
  const options = { docker: type === 'docker', abort, annotations, ...platform, ...inside };
  await step(report, `exporting to ${type === 'oci' ? 'oci' : 'docker'} image format`, async ({ tell }) => {
    if (!tar) return layOut(store, images, dest, options);
    let size = 0;
    const told = (bytes: number) => {
      size = bytes;
      tell('sending tarball', { current: size });
    };
    await writeArchive(dest, { told, toStdout }, (take) => saveUnder(store, images, take, options));
    tell('sending tarball', { current: size, done: true });
  });
}

export async function exportFiles(
  store: Store,
  { type, dest, platformSplit }: Files,
  { plan, solution, report, abort, toStdout }: Delivery,
): Promise<void> {
  const { tarOf, writeTree } = await import('#build/output/tree.ts');
  const isSplit = platformSplit ?? plan.targets.length > 1;
  const results = plan.targets.map(({ platform }, index) => ({
    directory: isSplit ? [platform.os, platform.architecture, platform.variant].filter(Boolean).join('_') : '',
    diffIds: (solution.results[index] ?? []).map(({ diffId }) => diffId),
  }));
  await step(
    report,
    type === 'local' ? 'exporting to client directory' : 'exporting to client tarball',
    async ({ tell }) => {
      const told = (current: number) => tell(type === 'local' ? 'copying files' : 'sending tarball', { current });
      if (type === 'local') {
        await writeTree(store, results, dest, { abort, told });
        return tell('copying files', { done: true });
      }
      await writeArchive(dest, { told, toStdout }, (take) => handOver(tarOf(store, results), take, abort));
      tell('sending tarball', { done: true });
    },
  );
}

/**
 * An archive in a file that appears when it is whole, or through a pipe. write: hands its pieces over.
 * told: hears how many bytes there are by now.
 */
async function writeArchive(
  dest: string,
  { toStdout, told }: Pick<Delivery, 'toStdout'> & { told: (bytes: number) => void },
  write: (take: (piece: Uint8Array) => void) => Promise<void>,
): Promise<void> {
  const { openOutputFile } = await import('#sys/output-file.ts');
  using file = dest === '-' ? undefined : openOutputFile(dest);
  let size = 0;
  await write((piece) => {
    if (file === undefined) toStdout?.(piece);
    else file.write(piece);
    size += piece.length;
    told(size);
  });
  file?.commit();
}
