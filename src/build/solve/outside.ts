/** Layers of caches outside of the store, brought where they are needed. */
import type { Solved, SolvedLayer } from '#build/solve/means.ts';

/** Layers that are here, all of them. Throws Vanished, once nothing is on its way any more. */
export async function brought(layers: readonly SolvedLayer[]): Promise<SolvedLayer[]> {
  const coming = layers.map((layer) => layer.bring?.() ?? layer);
  await Promise.allSettled(coming);
  return Promise.all(coming);
}

/** The same for trees that are read. */
export async function broughtSources(inputs: readonly Solved[]): Promise<void> {
  for (const input of inputs) if (input.kind === 'tree') await brought(input.layers);
}
