import { expect, test } from 'vitest';
import { openWatching } from '#cli/compose/attached.ts';

/** What is watched by it, with each beginning and end in order. */
function watched(isWatching: boolean) {
  const seen: string[] = [];
  const over = new AbortController();
  let count = 0;
  const watching = openWatching(
    {
      isWatching,
      lines: { log: (_, text) => void seen.push(text), status: () => undefined },
      watch: async (abort) => {
        count += 1;
        const own = count;
        seen.push(`begins ${own}`);
        await new Promise<void>((resolve) => abort.addEventListener('abort', () => resolve()));
        seen.push(`ends ${own}`);
      },
    },
    { over, work: { add: (job) => void job }, ended: () => void seen.push('ended') },
  );
  return { ...watching, over, seen };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test('watching that the key ends while the project starts does not begin with it', async () => {
  const { begin, toggle, seen } = watched(true);
  expect(toggle()).toBe(false);
  void begin();
  expect(seen).toEqual([]);
  expect(toggle()).toBe(true);
  expect(seen).toEqual(['begins 1']);
});

test('watching that the key begins while the project starts is not begun again with it, and its key ends it', async () => {
  for (const isWatching of [true, false]) {
    const { begin, toggle, seen } = watched(isWatching);
    if (isWatching) toggle();
    expect(toggle()).toBe(true);
    void begin();
    expect(toggle()).toBe(false);
    await settled();
    expect(seen).toEqual(['begins 1', 'ends 1', 'Watch disabled']);
  }
});

test('watching begins with the project, and ends with the session without a word', async () => {
  const { begin, over, seen } = watched(true);
  void begin();
  over.abort();
  await settled();
  expect(seen).toEqual(['begins 1', 'ends 1', 'ended']);
  await begin();
  expect(seen).toHaveLength(3);
});
