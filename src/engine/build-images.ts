/** A build's base images: found in the store, else pulled, each once; and its own image, put into the store. */

import { formatPlatform } from '#base/platform.ts';
import type { Progress } from '#base/progress.ts';
import type { SolvedLayer } from '#build/solve/means.ts';
import { resolveImage } from '#engine/run.ts';
import { findImage, type Image, tagImage } from '#image/names.ts';
import type { ImageConfig, Platform } from '#oci/manifest.ts';
import { hostPlatform, matches } from '#oci/platform.ts';
import type { Store } from '#store/store.ts';

export interface Bases {
  /** Brings an image, layers and all. Throws kind `not-found` or `unavailable`. */
  bring(reference: string, platform: Platform, options: BringOptions): Promise<Image>;
  /** An image's settings alone: of what is not here, no layer is fetched. Throws as bring(). */
  look(reference: string, platform: Platform, options: BringOptions): Promise<ImageConfig>;
}

interface BringOptions {
  /** Asks the registry though an image of this name is here. */
  pull: boolean;
  progress?: (event: Progress) => void;
  abort?: AbortSignal;
}

/** Several steps may want the same image: it is brought once. */
export function openBases(store: Store): Bases {
  const known = new Map<string, Promise<Image>>();
  return {
    bring: (reference, platform, { pull, ...options }) => {
      const key = `${reference} ${formatPlatform(platform)}`;
      const wish = { platform: formatPlatform(platform), pull: pull ? ('always' as const) : ('missing' as const) };
      const bringIt = () => resolveImage(store, reference, { ...options, ...wish }).then(({ image }) => image);
      const brought = known.get(key) ?? keepingName(store, { reference, platform }, bringIt);
      known.set(key, brought);
      return brought;
    },
    look: async (reference, platform, { pull, ...options }) => {
      const wanted = { platform: formatPlatform(platform) };
      const here = pull ? undefined : findImage(store, reference, wanted);
      if (here !== undefined) return here.config;
      const { peekConfig } = await import('#image/pull.ts');
      return peekConfig(store, reference, { ...wanted, ...options });
    },
  };
}

/** A base for another platform doesn't take the name from the image that this machine runs. */
async function keepingName(
  store: Store,
  { reference, platform }: { reference: string; platform: Platform },
  bring: () => Promise<Image>,
): Promise<Image> {
  const host = hostPlatform();
  if (matches(host, platform)) return bring();
  const former = findImage(store, reference);
  const brought = await bring();
  if (former === undefined || former.id === brought.id || !matches(host, former.config)) return brought;
  if (former.references.includes(reference)) await tagImage(store, former.id, reference);
  return brought;
}

/** An image's layers as a tree. */
export function layersOfImage({ diffIds, layers, sizes }: Image): SolvedLayer[] {
  return diffIds.flatMap((diffId, at) => {
    const blob = layers[at];
    return blob === undefined ? [] : [{ diffId, size: sizes[at] ?? 0, blob }];
  });
}
