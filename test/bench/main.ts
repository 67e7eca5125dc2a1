/**
 * `npm run bench`: the figures that wherry is held to, as ratios of medians beside the peers in the same run. Run by root
 * it measures as an ordinary user. WHERRY_PEERS names a program that runs a peer as a user (`$WHERRY_PEERS run USER
 * podman …`); without it podman and docker are looked for in the path. What lacks is left out with its reason.
 *
 *   npm run bench                    all of them
 *   npm run bench -- run exec        those whose name has one of these words
 */
import { benchmarks } from '#test/bench/benchmarks.ts';
import { openBench } from '#test/bench/setting.ts';

const wanted = process.argv.slice(2);
const bench = await openBench();
let missed = 0;
process.stdout.write(`${bench.describe()}\n\n`);
process.stdout.write(
  `${'what'.padEnd(44)}${'wherry'.padStart(10)}${'peer'.padStart(26)}${'ratio'.padStart(8)}${'at most'.padStart(9)}\n`,
);
for (const benchmark of benchmarks) {
  if (wanted.length > 0 && !wanted.some((word) => benchmark.name.includes(word))) continue;
  const result = await benchmark.measure(bench);
  for (const { peer, ours, theirs, unit, most } of result) {
    const label = benchmark.name.padEnd(44);
    if (peer === undefined) {
      const bound = `at most ${format(most, unit)}`;
      if (ours > most) missed++;
      process.stdout.write(`${label}${format(ours, unit).padStart(10)}   ${bound}${ours > most ? '  MISSED' : ''}\n`);
      continue;
    }
    if (theirs === undefined) {
      process.stdout.write(`${label}${format(ours, unit).padStart(10)}   (${peer} is not here)\n`);
      continue;
    }
    const ratio = ours / theirs;
    if (ratio > most) missed++;
    const beside = `${format(theirs, unit)} ${peer}`.padStart(26);
    const verdict = ratio > most ? '  MISSED' : '';
    process.stdout.write(
      `${label}${format(ours, unit).padStart(10)}${beside}${ratio.toFixed(2).padStart(8)}${String(Number(most.toFixed(2))).padStart(9)}${verdict}\n`,
    );
  }
}
await bench.close();
process.exitCode = missed > 0 ? 1 : 0;

function format(value: number, unit: 'ms' | 'KiB'): string {
  return unit === 'ms' ? `${value.toFixed(1)} ms` : `${value.toFixed(0)} KiB`;
}
