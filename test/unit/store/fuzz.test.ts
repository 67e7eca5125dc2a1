import { describe, expect, test } from 'vitest';
import { tryCases } from '#test/fuzz/drive.ts';
import { unprivileged } from '#test/support/store.ts';

/** `npm run fuzz` tries thousands from a seed of its own; `npm run fuzz -- 1 SEED CASE` one of them. */
const SEED = 4711;

test.each([
  ['manifests.ts', 'manifests and configurations', 2000],
  ['images.ts', 'image archives', 300],
])('%s: hostile %s are believed or refused in one line', async (script, _, count) => {
  const { findings, outcomes } = await tryCases(script, SEED, 0, count);
  expect(findings.map((one) => `seed ${SEED} case ${one.case}: ${one.wrong}`)).toEqual([]);
  expect(outcomes).toMatchObject({ corrupt: expect.any(Number) });
});

describe.skipIf(unprivileged)('hostile layers', () => {
  test('are unpacked or refused in one line, harm nothing outside, and leave nothing', async () => {
    const { findings, outcomes } = await tryCases('layers.ts', SEED, 0, 600);
    expect(findings.map((one) => `seed ${SEED} case ${one.case}: ${one.wrong}`)).toEqual([]);
    expect(outcomes).toMatchObject({ unpacked: expect.any(Number), corrupt: expect.any(Number) });
  });
});
