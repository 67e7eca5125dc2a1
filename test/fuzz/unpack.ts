/**
 * Unpacks the layer of standard input into an empty directory, as root; prints what came of it, and the most memory that it took in
 * KiB, as JSON.
 *
 *   node test/fuzz/unpack.ts DIRECTORY [root|user|single] < BLOB
 */
import { readSync } from 'node:fs';
import type { Namespace } from '#sys/host.ts';
import { unpackInside, wrongInError } from '#test/fuzz/inside.ts';

const [directory = '', namespace = 'root'] = process.argv.slice(2);
process.umask(0);
const outcome = await unpackInside(directory, namespace as Namespace, input());
const peak = process.resourceUsage().maxRSS;
const { kind, message } = 'error' in outcome ? (outcome.error as { kind?: string; message: string }) : {};
const answer = 'error' in outcome ? { kind, message, wrong: wrongInError(outcome.error) } : outcome;
process.stdout.write(JSON.stringify({ ...answer, peak }));

function* input(): Generator<Buffer> {
  const buffer = Buffer.allocUnsafe(128 * 1024);
  for (let count = readSync(0, buffer); count > 0; count = readSync(0, buffer)) yield buffer.subarray(0, count);
}
