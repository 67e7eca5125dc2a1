/** The figures, one function each. A ratio is ours over theirs: below `most` is what was promised. */
import { buildBenchmarks } from '#test/bench/build.ts';
import { type Benchmark, compare } from '#test/bench/compare.ts';
import { composeBenchmarks } from '#test/bench/compose.ts';
import { containerBenchmarks } from '#test/bench/containers.ts';
import { imageBenchmarks } from '#test/bench/images.ts';
import { networkBenchmarks } from '#test/bench/networks.ts';
import { IMAGE } from '#test/bench/setting.ts';
import { throughputBenchmarks } from '#test/bench/throughput.ts';

export const benchmarks: readonly Benchmark[] = [
  {
    name: 'run --rm --network none busybox true',
    measure: (bench) =>
      compare(bench, (command) => `${command} run --rm --network none ${IMAGE} true`, { podman: 0.55 }),
  },
  {
    name: 'run --rm busybox true (default network)',
    measure: (bench) => compare(bench, (command) => `${command} run --rm ${IMAGE} true`, { podman: 0.6, docker: 0.4 }),
  },
  ...networkBenchmarks,
  ...throughputBenchmarks,
  ...containerBenchmarks,
  ...imageBenchmarks,
  ...buildBenchmarks,
  ...composeBenchmarks,
  {
    name: '1 GiB through run -i busybox cat',
    measure: (bench) =>
      compare(
        bench,
        (command) =>
          `sh -c 'head -c 1073741824 /dev/zero | ${command} run -i --rm --network none ${IMAGE} cat >/dev/null'`,
        { podman: 1 },
        { runs: 3 },
      ),
  },
];
