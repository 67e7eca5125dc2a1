/** The figures, one function each. A ratio is ours over theirs: below `most` is what was promised. */
import { type Benchmark, both, commandOf, compare, type Line } from '#test/bench/compare.ts';
import { imageBenchmarks } from '#test/bench/images.ts';
import { networkBenchmarks } from '#test/bench/networks.ts';
import { type Bench, IMAGE } from '#test/bench/setting.ts';

/** With containers that stay for the time of a measurement. */
function withContainers<T>(bench: Bench, start: Line, measure: () => T): T {
  for (const who of both(bench)) bench.run(who, start(commandOf(bench, who)));
  try {
    return measure();
  } finally {
    for (const who of both(bench)) {
      const command = commandOf(bench, who);
      bench.run(
        who,
        `${command} ps -aq | xargs -r ${command} rm -f -t 0 >/dev/null 2>&1 || ${command} ps -aq | xargs -r ${command} rm -f >/dev/null`,
      );
    }
  }
}

const sleeper: Line = (command) => `${command} run -d --name bench --network none ${IMAGE} sleep 100000 >/dev/null`;

/** Proportional set size of the processes of this name, of the user, in KiB (proc_pid_smaps(5)). */
const pssOf = (name: string) =>
  `for p in $(pgrep -x ${name} -u 0,$(id -u)); do awk '/^Pss:/ {print $2}' /proc/$p/smaps_rollup; done | sort -n | tail -1`;

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
  {
    name: 'exec C true',
    measure: (bench) =>
      withContainers(bench, sleeper, () => compare(bench, (command) => `${command} exec bench true`, { podman: 0.5 })),
  },
  {
    name: 'ps, one container',
    measure: (bench) =>
      withContainers(bench, sleeper, () => compare(bench, (command) => `${command} ps`, { podman: 0.8 })),
  },
  {
    name: 'ps -a, five hundred',
    measure: (bench) => {
      const many: Line = (command) =>
        `for i in $(seq 500); do ${command} create --network none ${IMAGE} true >/dev/null || exit 1; done`;
      return withContainers(bench, many, () => compare(bench, (command) => `${command} ps -a`, { podman: 0.5 }));
    },
  },
  ...imageBenchmarks,
  {
    name: 'memory of what stays, ports published',
    measure: (bench) => {
      const start: Line = (command) =>
        `${command} run -d --name bench -p 127.0.0.1::80 ${IMAGE} sleep 100000 >/dev/null`;
      return withContainers(bench, start, () => {
        const ours = Number(bench.run('wherry', pssOf('wherry-monitor')));
        const theirs = bench.has('podman') ? Number(bench.run('podman', pssOf('conmon'))) : undefined;
        return [{ peer: 'conmon', ours, theirs, unit: 'KiB', most: 1 }];
      });
    },
  },
  ...networkBenchmarks,
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
