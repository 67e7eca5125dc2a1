/** What becomes of a build's result: images in the store and in registries, archives, files. */
import { WherryError } from '#base/error.ts';
import type { Progress } from '#base/progress.ts';
import type { Report } from '#build/event.ts';
import { step, type Tell } from '#build/progress.ts';
import type { BuildOutput, BuildRequest, BuildResult, BuiltTarget } from '#build/request.ts';
import type { SolvedLayer } from '#build/solve/means.ts';
import type { Solution } from '#build/solve/solve.ts';
import type { Plan, PlanTarget } from '#build/vertex.ts';
import { datedConfig } from '#engine/build-config.ts';
import { imageUsers } from '#engine/images.ts';
import { readCatalog } from '#image/catalog.ts';
import { recordImageEvent } from '#image/event.ts';
import { assembleImage, type Made } from '#image/make.ts';
import { pushImage } from '#image/push.ts';
import { idOf, removeImage } from '#image/remove.ts';
import { canonical, familiar, parseReference, withDefaultTag } from '#oci/reference.ts';
import type { Store } from '#store/store.ts';

export interface Delivery {
  plan: Plan;
  solution: Solution;
  report: Report;
  abort?: AbortSignal | undefined;
  /** Where an archive goes that has no file: pieces that each are there until the call returns. */
  toStdout?: ((piece: Uint8Array) => void) | undefined;
}

type Image = Extract<BuildOutput, { type: 'image' }>;
type Files = Extract<BuildOutput, { type: 'local' | 'tar' }>;

/** Does all that the request's outputs say. Throws what they throw; what is done until then stays. */
export async function deliver(store: Store, request: BuildRequest, delivery: Delivery): Promise<BuildResult> {
  const images = request.outputs.filter((output): output is Image => output.type === 'image');
  const names = [...new Set(images.flatMap((output) => output.names.map(fullName)))];
  const isMade = request.outputs.some(({ type }) => type === 'image' || type === 'docker' || type === 'oci');
  const known = new Set(images.length > 0 ? [] : readCatalog(store).map(idOf));
  const targets = isMade ? await makeImages(store, request, { ...delivery, names }) : [];
  for (const output of request.outputs) {
    if (output.type === 'local' || output.type === 'tar') await exportFiles(store, output, delivery);
    if (output.type === 'image' && output.push) await pushAll(store, output, delivery);
    if (output.type === 'docker' || output.type === 'oci') await saveArchive(store, output, { ...delivery, targets });
  }
  // Nobody has asked for an image in the store: what was made for an archive goes.
  if (images.length === 0)
    await forget(
      store,
      targets.filter(({ imageId }) => !known.has(imageId)),
    );
  return { targets, digest: targets[0]?.digest ?? '', names };
}

async function forget(store: Store, targets: readonly BuiltTarget[]): Promise<void> {
  for (const { imageId } of targets) await removeImage(store, imageId, { usedBy: () => imageUsers(store) });
}

/** Throws kind `invalid` in buildx's words for what is no name. */
function fullName(text: string): string {
  try {
    return canonical(withDefaultTag(parseReference(text)));
  } catch (cause) {
    if (!(cause instanceof WherryError)) throw cause;
    throw new WherryError('invalid', `invalid tag "${text}": ${cause.message}`, { cause });
  }
}

async function makeImages(
  store: Store,
  { epoch }: BuildRequest,
  { plan, solution, report, names }: Delivery & { names: string[] },
): Promise<BuiltTarget[]> {
  return step(report, 'exporting to image', async ({ tell }) => {
    tell('exporting layers');
    const targets: BuiltTarget[] = [];
    for (const [index, target] of plan.targets.entries()) {
      const layers = solution.results[index] ?? [];
      const { id, manifest } = await putImage(store, target, { layers, names, epoch });
      if (index === 0) tell('exporting layers', { done: true });
      tell(`writing image ${id}`, { done: true });
      targets.push({ platform: target.platform, imageId: id, digest: manifest.digest });
      noteImage(store, { id, labels: target.config.config?.Labels, names });
    }
    for (const name of names) tell(`naming to ${name}`, { done: true });
    return targets;
  });
}

async function putImage(
  store: Store,
  { config }: PlanTarget,
  { layers, names, epoch }: { layers: SolvedLayer[]; names: string[]; epoch: number | undefined },
): Promise<Made> {
  const stack = {
    layers: layers.map(({ blob }) => blob),
    diffIds: layers.map(({ diffId }) => diffId),
    sizes: new Map(layers.map(({ diffId, size }) => [diffId, size])),
  };
  return assembleImage(store, stack, { config: datedConfig(config, layers, epoch), names });
}

function noteImage(
  store: Store,
  { id, labels, names }: { id: string; labels: Record<string, string> | null | undefined; names: readonly string[] },
): void {
  for (const name of names) recordImageEvent(store, 'tag', { id, labels, name: familiar(parseReference(name)) });
}

async function pushAll(store: Store, { names }: Image, { report, abort }: Delivery): Promise<void> {
  for (const name of names) {
    await step(report, `pushing ${fullName(name)}`, async ({ tell }) => {
      const progress = layerTold(tell);
      await pushImage(store, familiar(parseReference(fullName(name))), { progress, ...(abort ? { abort } : {}) });
    });
  }
}

const ENDS = new Set(['Pushed', 'Layer already exists', 'Pull complete', 'Already exists']);

/** A layer's progress as a part of a vertex's. */
function layerTold(tell: Tell): (event: Progress) => void {
  return (event) => {
    if (event.kind !== 'layer') return;
    const { id, status, current = 0, total = 0 } = event;
    const done = ENDS.has(status) || status.startsWith('Mounted from');
    tell(`pushing layer ${id}`, { current, total, done });
  };
}

type Archive = Extract<BuildOutput, { type: 'docker' | 'oci' }>;

async function saveArchive(
  store: Store,
  { type, dest, names, tar }: Archive,
  { targets, report, abort, toStdout }: Delivery & { targets: readonly BuiltTarget[] },
): Promise<void> {
  const { layOut, saveUnder } = await import('#image/save.ts');
  const { openOutputFile } = await import('#sys/output-file.ts');
  const images = targets.map(({ imageId: id }) => ({ id, names: names.map(fullName) }));
  const options = { docker: type === 'docker', abort };
  await step(report, `exporting to ${type === 'oci' ? 'oci' : 'docker'} image format`, async ({ tell }) => {
    let size = 0;
    const counted = (write: (piece: Uint8Array) => void) => (piece: Uint8Array) => {
      write(piece);
      size += piece.length;
      tell('sending tarball', { current: size });
    };
    if (!tar) return layOut(store, images, dest, options);
    using file = dest === '-' ? undefined : openOutputFile(dest);
    const write = file === undefined ? (toStdout ?? (() => undefined)) : (piece: Uint8Array) => file.write(piece);
    await saveUnder(store, images, counted(write), options);
    file?.commit();
    tell('sending tarball', { current: size, done: true });
  });
}

async function exportFiles(
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
      await writeArchive(dest, tarOf(store, results), { abort, told, toStdout });
      tell('sending tarball', { done: true });
    },
  );
}

/** An archive in a file that appears when it is whole, or through a pipe. */
async function writeArchive(
  dest: string,
  pieces: Iterable<Buffer>,
  { abort, told, toStdout }: Pick<Delivery, 'abort' | 'toStdout'> & { told: (bytes: number) => void },
): Promise<void> {
  const { openOutputFile } = await import('#sys/output-file.ts');
  using file = dest === '-' ? undefined : openOutputFile(dest);
  const write = file === undefined ? toStdout : (piece: Uint8Array) => file.write(piece);
  let size = 0;
  for (const piece of pieces) {
    write?.(piece);
    size += piece.length;
    told(size);
    // Signals are heard between two pieces only.
    await new Promise((resolve) => setImmediate(resolve));
    abort?.throwIfAborted();
  }
  file?.commit();
}
