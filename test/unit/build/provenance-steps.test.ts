import { expect, test } from 'vitest';
import { verticesOf } from '#build/provenance-steps.ts';
import type { Plan } from '#build/vertex.ts';

const plan = (inputs: readonly number[][], ...results: number[]) =>
  ({
    vertices: inputs.map((own) => ({ inputs: own })),
    targets: results.map((result) => ({ result })),
  }) as unknown as Plan;

test('a target needs its inputs and theirs, each once and before what needs it', () => {
  const several = plan([[], [], [0], [0, 2], [1], [3, 0]], 5, 4);
  expect(verticesOf(several, 0)).toEqual([0, 2, 3, 5]);
  expect(verticesOf(several, 1)).toEqual([1, 4]);
});

test('a target of nothing needs nothing', () => {
  expect(verticesOf(plan([[]], -1), 0)).toEqual([]);
});

test('a chain may be as long as it likes', () => {
  const count = 50_000;
  const chain = plan(
    Array.from({ length: count }, (_, at) => (at === 0 ? [] : [at - 1])),
    count - 1,
  );
  expect(verticesOf(chain, 0)).toHaveLength(count);
});
