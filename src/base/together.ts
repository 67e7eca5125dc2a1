/** Several things at once, but not all. */

/**
 * Does the work for each item, at most `limit` at a time, in their order. The first error ends the others by `stop`, and
 * is thrown when they have ended.
 */
export async function together<T>(
  items: Iterable<T>,
  { limit, stop }: { limit: number; stop: AbortController },
  work: (item: T) => Promise<void>,
): Promise<void> {
  const waiting = [...items];
  const worker = async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) {
      try {
        stop.signal.throwIfAborted();
        await work(item);
      } catch (error) {
        stop.abort(error);
        throw error;
      }
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: Math.min(limit, waiting.length) }, worker));
  stop.signal.throwIfAborted();
  for (const one of ended) if (one.status === 'rejected') throw one.reason;
}
