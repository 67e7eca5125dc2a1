/** Vertices while they are gathered: what is the same is there once. */
import type { Place, Vertex } from '#build/vertex.ts';

export interface Graph {
  vertices: Vertex[];
  /** Its index; that of the same step where it is there already. */
  add(vertex: Vertex): number;
}

export function newGraph(): Graph {
  const vertices: Vertex[] = [];
  const known = new Map<string, number>();
  return {
    vertices,
    add: (vertex) => {
      const { name: _name, command: _command, stage: _stage, place: _place, ...step } = vertex;
      const key = JSON.stringify(step);
      const before = known.get(key);
      if (before !== undefined) return before;
      vertices.push(vertex);
      known.set(key, vertices.length - 1);
      return vertices.length - 1;
    },
  };
}

/** Those that the results need, in their order, with their inputs renumbered. */
export function prune(
  vertices: readonly Vertex[],
  results: readonly number[],
): { vertices: Vertex[]; results: number[] } {
  const needed = new Set(results);
  for (let index = vertices.length - 1; index >= 0; index -= 1) {
    if (needed.has(index)) for (const input of vertices[index]?.inputs ?? []) needed.add(input);
  }
  const kept = [...needed].sort((one, other) => one - other);
  const renumbered = new Map(kept.map((old, index) => [old, index]));
  const move = (index: number) => renumbered.get(index) ?? index;
  const pruned = kept.flatMap((index) => {
    const vertex = vertices[index];
    return vertex === undefined ? [] : [{ ...vertex, inputs: vertex.inputs.map(move) }];
  });
  return { vertices: pruned, results: results.map(move) };
}

export const asPlaces = (place: Place | undefined): { place: Place[] } | Record<string, never> =>
  place === undefined ? {} : { place: [place] };
