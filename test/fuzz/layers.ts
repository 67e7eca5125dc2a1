/**
 * One process that unpacks hostile layers and tells what should not have happened.
 *
 *   node test/fuzz/layers.ts SEED FROM COUNT DIRECTORY
 *
 * It fills DIRECTORY, an empty one, and needs chroot(2): root, or a user namespace's. Prints a line of JSON for each
 * finding, and one in the end. The number of the case that it is at stands in DIRECTORY/case: what hangs or dies has that
 * one to blame.
 */
import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, openSync, readdirSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { WherryError } from '#base/error.ts';
import { removeTree } from '#sys/file.ts';
import { realArchives } from '#test/fuzz/archives.ts';
import { lookAt, plantCanary } from '#test/fuzz/canary.ts';
import { type Outcome, unpackInside, wrongInError } from '#test/fuzz/inside.ts';
import { type Case, layerCase } from '#test/fuzz/mutate.ts';
import { random } from '#test/fuzz/random.ts';

const [seed = 0, from = 0, count = 0] = process.argv.slice(2, 5).map(Number);
const directory = process.argv[5] ?? '';
const canary = join(directory, 'canary');
const staged = join(directory, 'layer');
const say = (line: object) => writeSync(1, `${JSON.stringify(line)}\n`);

process.umask(0o022);
plantCanary(canary);
process.umask(0);
const progress = openSync(join(directory, 'case'), 'w');
const before = lookAt(canary);
const real = realArchives();
const outcomes: Record<string, number> = {};

for (let at = from; at < from + count; at += 1) {
  writeSync(progress, `${at}\n`, 0);
  const chance = random(seed, at);
  const one = layerCase(chance, real, canary);
  mkdirSync(staged, { mode: 0o755 });
  const outcome = await unpackInside(staged, chance.pick(['root', 'root', 'user', 'single']), pieces(one));
  const kind = !('error' in outcome)
    ? 'unpacked'
    : outcome.error instanceof WherryError
      ? outcome.error.kind
      : 'defect';
  outcomes[kind] = (outcomes[kind] ?? 0) + 1;
  const wrong = wrongInOutcome(outcome, one) ?? wrongInLayer();
  const also = wrongOutside();
  if (wrong !== undefined || also !== undefined) say({ case: at, wrong: wrong ?? also });
}
say({ cases: count, outcomes, archives: real.length, peak: process.resourceUsage().maxRSS });

function* pieces({ blob, piece }: Case): Generator<Buffer> {
  for (let at = 0; at < blob.length; at += piece) yield Buffer.from(blob.subarray(at, at + piece));
}

function wrongInOutcome(outcome: Outcome, { tar }: Case): string | undefined {
  if ('error' in outcome) return wrongInError(outcome.error);
  if (!Number.isSafeInteger(outcome.size) || outcome.size < 0) return `its size is ${outcome.size}`;
  if (tar === undefined) return undefined;
  const digest = `sha256:${createHash('sha256').update(tar).digest('hex')}`;
  return outcome.digest === digest ? undefined : `unpacked as ${outcome.digest}, not ${digest}`;
}

function wrongInLayer(): string | undefined {
  const { mode, uid } = lstatSync(staged);
  if (mode === 0o040755 && uid === process.getuid?.()) return undefined;
  return `the layer's own directory is changed: ${mode.toString(8)}, ${uid}`;
}

/** The layer can be removed, and everything beside it is as it was. */
function wrongOutside(): string | undefined {
  removeTree(staged);
  if (lookAt(canary) !== before) return `what is outside is changed:\n${before}\n${lookAt(canary)}`;
  const left = readdirSync(directory).filter((name) => name !== 'canary' && name !== 'case');
  return left.length === 0 ? undefined : `left behind: ${left}`;
}
