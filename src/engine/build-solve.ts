/** Hands the solver what it can't do by itself: images, contexts, containers. */
import { statSync } from 'node:fs';
import { WherryError } from '#base/error.ts';
import { isLayerEnd, type Progress } from '#base/progress.ts';
import type { BuildContext, BuildRequest } from '#build/request.ts';
import { openDigests } from '#build/solve/digests.ts';
import type { Means, Scope } from '#build/solve/means.ts';
import { ignoreFilter } from '#build/solve/pick.ts';
import type { Source } from '#build/solve/source.ts';
import { readTree } from '#build/solve/tree.ts';
import type { OutsideCaches } from '#engine/build-cache-from.ts';
import { type Bases, layersOfImage } from '#engine/build-images.ts';
import type { LayerNotes } from '#engine/build-leftovers.ts';
import { canRun } from '#engine/builder.ts';
import { holdImage } from '#image/catalog.ts';
import type { Platform } from '#oci/manifest.ts';
import type { Store } from '#store/store.ts';
import { placeAt } from '#store/union.ts';
import { isOffered } from '#sys/binfmt.ts';

export interface MeansOptions {
  request: BuildRequest;
  /** A path that is not there yet, in a directory that goes when the build has ended. */
  place: (name: string) => string;
  bases: Bases;
  caches: OutsideCaches;
  notes: LayerNotes;
  environment: NodeJS.ProcessEnv;
}

export function buildMeans(store: Store, { request, bases, caches, notes, environment, place }: MeansOptions): Means {
  let fetched = 0;
  const next = () => {
    fetched += 1;
    return place(`fetched-${fetched}`);
  };
  return {
    image: async ({ reference, platform, resolveMode }, scope) => {
      const options = { pull: resolveMode === 'pull', progress: transfers(scope), abort: scope.abort };
      return layersOfImage(await bases.bring(reference, platform, options));
    },
    layout: async (vertex, scope) => {
      const { bringLayout } = await import('#engine/build-layout.ts');
      return bringLayout(store, vertex, scope.abort);
    },
    local: async ({ context }, scope) => localSource(store, context, request.contexts[context], scope),
    http: async (vertex, scope) => {
      const { fetchFile } = await import('#engine/build-http.ts');
      return fetchFile(vertex, next(), scope);
    },
    git: async (vertex, scope) => {
      const { fetchRepository } = await import('#engine/build-git.ts');
      const given = { secrets: request.secrets, ssh: request.ssh, environment };
      return fetchRepository(store, vertex, next(), { scope, given });
    },
    run: async (work, scope) => {
      await needEmulator(store, work.platform);
      const { runStep } = await import('#engine/build-run.ts');
      const { limits, securityOptions, cgroupParent, secrets, ssh } = request;
      await runStep(store, work, scope, { limits, securityOptions, cgroupParent, secrets, ssh, environment });
    },
    outside: (key) => caches.find(key),
    hold: (diffIds) => {
      notes.note(diffIds);
      return holdImage(store, { blobs: [], diffIds });
    },
  };
}

/** Throws kind `unsupported` where nothing here runs a platform's programs. */
async function needEmulator(store: Store, platform: Platform): Promise<void> {
  if (await canRun(store, platform)) return;
  const { os, architecture } = platform;
  throw new WherryError(
    'unsupported',
    `cannot run programs for ${os}/${architecture}: no emulator is registered (binfmt_misc)`,
    {
      // One on the PATH would hide those that root has registered.
      hint: `Install QEMU's emulators: the package qemu-user-static, or qemu-user-binfmt (Debian, Ubuntu)${isOffered() ? '' : '; with Linux 6.7 a static one on the PATH is enough'}`,
    },
  );
}

/** What a pull reports, as a vertex tells it. */
function transfers(scope: Scope): (event: Progress) => void {
  return (event) => {
    if (event.kind !== 'layer') return;
    const { id, status, current = 0, total = 0 } = event;
    scope.status(id, { current, total, done: isLayerEnd(status) });
  };
}

/** Files of a context are root's, whoever has them on the host. */
const OWNERS = () => ({ uid: 0, gid: 0 });

async function localSource(
  store: Store,
  name: string,
  context: BuildContext | undefined,
  scope: Scope,
): Promise<Source> {
  if (context?.kind !== 'directory') throw new Error(`the context "${name}" is no directory`);
  if (!statSync(context.path, { throwIfNoEntry: false })?.isDirectory()) {
    throw new WherryError('not-found', `unable to prepare context: path ${JSON.stringify(context.path)} not found`);
  }
  const digests = openDigests(store, context.path);
  const filter = context.ignore === undefined ? undefined : ignoreFilter(context.ignore.text);
  scope.status('transferring context:', { current: 0, total: 0, done: true });
  return {
    tree: readTree({ layers: [placeAt(context.path, { owners: OWNERS })], marks: false }),
    ...(filter === undefined ? {} : { filter }),
    digest: digests.of,
    save: digests.save,
  };
}
