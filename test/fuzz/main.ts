/**
 * `npm run fuzz`: hostile layers, manifests, configurations and image archives by the thousand, made from a seed. An ordinary user needs unshare(1) and ranges in
 * /etc/subuid: layers are unpacked as root of a user namespace.
 *
 *   npm run fuzz                       20 000 cases from a seed of the day
 *   npm run fuzz -- 5000 17            5000 cases from the seed 17
 *   npm run fuzz -- 1 17 4711 layers   one case, as a failure names it
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { tryCases } from '#test/fuzz/drive.ts';

const args = process.argv.slice(2);
const [count = 20_000, seed = Math.floor(Date.now() / 86_400_000), from = 0] = args.slice(0, 3).map(Number);

process.exitCode = process.getuid?.() === 0 ? await fuzz() : inNamespace();

function inNamespace(): number {
  const options = ['--user', '--map-root-user', '--map-auto', '--mount'];
  const command = [...options, process.execPath, fileURLToPath(import.meta.url), ...args];
  const { status, error } = spawnSync('unshare', command, { stdio: 'inherit' });
  if (error !== undefined) process.stderr.write(`Cannot make a user namespace: ${error.message}\n`);
  return status ?? 1;
}

async function fuzz(): Promise<number> {
  let wrong = 0;
  for (const name of args.slice(3).length > 0 ? args.slice(3) : ['layers', 'manifests', 'images']) {
    const began = performance.now();
    const { findings, outcomes, peak } = await tryCases(`${name}.ts`, seed, from, count);
    const seconds = (performance.now() - began) / 1000;
    const ends = Object.entries(outcomes).map(([kind, times]) => `${kind} ${times}`);
    process.stdout.write(
      `${name}: ${count} cases of seed ${seed} in ${seconds.toFixed(0)} s (${(count / seconds).toFixed(0)} a second), ` +
        `at most ${(peak / 1024).toFixed(0)} MiB: ${ends.join(', ')}, WRONG ${findings.length}\n`,
    );
    for (const one of findings) process.stdout.write(`  seed ${seed} case ${one.case}: ${one.wrong}\n`);
    wrong += findings.length;
  }
  return wrong === 0 ? 0 : 1;
}
