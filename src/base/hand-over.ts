/** Bytes that are made on this thread, given away piece by piece. */

/** Each piece is there until `take` returns. Throws the abort's reason. */
export async function handOver(
  pieces: Iterable<Buffer>,
  take: (piece: Buffer) => void,
  abort?: AbortSignal,
): Promise<void> {
  for (const piece of pieces) {
    take(piece);
    // Signals are heard between two pieces only.
    await new Promise((resolve) => setImmediate(resolve));
    abort?.throwIfAborted();
  }
}
