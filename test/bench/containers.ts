/** The figures of containers that are there: started, stopped, looked at, written from, kept. */
import { type Benchmark, both, commandOf, compare, type Line, type Result } from '#test/bench/compare.ts';
import { type Bench, IMAGE, type Peer } from '#test/bench/setting.ts';

/** With containers that stay for the time of a measurement. */
function withContainers<T>(bench: Bench, start: Line, measure: () => T): T {
  for (const who of both(bench)) bench.run(who, start(commandOf(bench, who)));
  try {
    return measure();
  } finally {
    for (const who of both(bench)) bench.run(who, removeAll(commandOf(bench, who)));
  }
}

/** podman has a time to stop that ours does not know; by force both kill. */
const removeAll: Line = (command) =>
  `${command} ps -aq | xargs -r ${command} rm -f -t 0 >/dev/null 2>&1 || ${command} ps -aq | xargs -r ${command} rm -f >/dev/null`;

/** A container that only is. */
const sleeper =
  (options = ''): Line =>
  (command) =>
    `${command} run -d --name bench --network none ${options} ${IMAGE} sleep 100000 >/dev/null`;

/** The same line with the sleeper there. */
const beside =
  (line: Line, most: number, start = sleeper()) =>
  (bench: Bench) =>
    withContainers(bench, start, () => compare(bench, line, { podman: most }));

/** The processes of this name; where the peers have a user namespace of their own, the user is root in it. */
const processes = (name: string) => `pgrep -x ${name} -u $(id -u) || pgrep -x ${name} -u 0`;

/** Proportional set size of the largest process of this name, of the user, in KiB (proc_pid_smaps(5)). */
const pssOf = (name: string) =>
  `for p in $(${processes(name)}); do awk '/^Pss:/ {print $2}' /proc/$p/smaps_rollup; done | sort -n | tail -1`;

const memory =
  (start: Line) =>
  (bench: Bench): Result[] =>
    withContainers(bench, start, () => {
      const ours = Number(bench.run('wherry', pssOf('wherry-monitor')));
      const theirs = bench.has('podman') ? Number(bench.run('podman', pssOf('conmon'))) : undefined;
      return [{ peer: 'conmon', ours, theirs, unit: 'KiB', most: 1 }];
    });

/** Milliseconds of processor that a process of this name and those it has waited for have used (proc_pid_stat(5)). */
const processorOf = (name: string) =>
  `p=$({ ${processes(name)}; } | tail -1) && sed 's/.*) //' /proc/$p/stat | awk -v hz=$(getconf CLK_TCK) '{print ($12 + $13 + $14 + $15) * 1000 / hz}'`;

/** What one run of a command takes of a processor, in milliseconds: the mean of ten. */
const costOf = (line: string) =>
  `bash -c 'TIMEFORMAT="%U %S"; time for i in 1 2 3 4 5 6 7 8 9 10; do ${line}; done' 2>&1 | awk '{print ($1 + $2) * 100}'`;

const CHECKS = 2;
const INTERVAL = 30;

/**
 * Two checks and the idling between them. podman has its checks run by timers of systemd; what they start is counted
 * whether systemd is there or not.
 */
const checking = (bench: Bench): Result[] =>
  withContainers(bench, sleeper(`--health-cmd true --health-interval ${INTERVAL}s`), () => {
    const used = (who: 'wherry' | Peer, name: string) => Number(bench.run(who, processorOf(name)));
    const begun = {
      wherry: used('wherry', 'wherry-monitor'),
      podman: bench.has('podman') ? used('podman', 'conmon') : 0,
    };
    bench.run('wherry', `sleep ${CHECKS * INTERVAL + 2}`);
    const ours = used('wherry', 'wherry-monitor') - begun.wherry;
    const theirs = bench.has('podman')
      ? used('podman', 'conmon') -
        begun.podman +
        CHECKS * Number(bench.run('podman', costOf('podman healthcheck run bench')))
      : undefined;
    return [{ peer: 'conmon', ours, theirs, unit: 'ms', most: 1 }];
  });

/** Containers that were only made: so many at a time as there are processors. */
const many =
  (count: number): Line =>
  (command) =>
    `seq ${count} | xargs -P $(nproc) -I{} ${command} create --network none ${IMAGE} true >/dev/null`;

/** Fifty commands at once, each with a container: mostly Node's starts. */
const commands = (bench: Bench): Result[] => {
  const line: Line = (command) =>
    `sh -c "seq 50 | xargs -P 50 -I{} ${command} run -d --network none ${IMAGE} sleep 100000 >/dev/null"`;
  return withContainers(
    bench,
    () => 'true',
    () => compare(bench, line, { podman: 0.8 }, { runs: 3, prepare: removeAll }),
  );
};

const FIFTY = Array.from({ length: 50 }, (_, index) => `bench${index}`).join(' ');

/** Fifty containers at once by one command. */
const fifty = (bench: Bench): Result[] =>
  withContainers(
    bench,
    (command) => `for name in ${FIFTY}; do ${command} create --name $name --network none ${IMAGE} sleep 100000; done`,
    () =>
      compare(
        bench,
        (command) => `${command} start ${FIFTY}`,
        { podman: 0.5 },
        { runs: 5, prepare: (command) => `${command} stop -t 0 ${FIFTY} >/dev/null` },
      ),
  );

const MILLION = 1_000_000;

/**
 * Lines of a hundred bytes; the time from the container's start until the last one is in the log. dd is quick enough to keep
 * whoever writes the log busy, which busybox's head is not.
 */
/** What one has written is on the disk before the next one writes. */
const settled: Line = (command) => `${removeAll(command)}; sync`;

const writing = (bench: Bench): Result[] => {
  const line: Line = (command) =>
    `sh -c 'id=$(${command} run -d --network none ${IMAGE} sh -c "yes $(printf %099d 0) | dd bs=64k count=16384 iflag=fullblock 2>/dev/null") && ${command} wait $id >/dev/null'`;
  return withContainers(
    bench,
    () => 'true',
    () => compare(bench, line, { podman: 0.7 }, { runs: 5, prepare: settled }),
  );
};

export const containerBenchmarks: readonly Benchmark[] = [
  { name: 'exec C true', measure: beside((command) => `${command} exec bench true`, 0.45) },
  {
    name: 'start and stop of a created one',
    measure: beside(
      (command) => `sh -c '${command} start bench && ${command} stop -t 0 bench'`,
      0.5,
      (command) => `${command} create --name bench --network none ${IMAGE} sleep 100000 >/dev/null`,
    ),
  },
  { name: 'inspect C', measure: beside((command) => `${command} inspect bench`, 0.7) },
  { name: 'ps, one container', measure: beside((command) => `${command} ps`, 0.8) },
  { name: 'ps -a, a thousand', measure: beside((command) => `${command} ps -a`, 0.3, many(1000)) },
  {
    name: 'logs of a million lines',
    measure: (bench) =>
      withContainers(
        bench,
        (command) => `${command} run --name bench --network none ${IMAGE} seq ${MILLION} >/dev/null`,
        () => compare(bench, (command) => `sh -c '${command} logs bench >/dev/null'`, { podman: 0.5 }, { runs: 5 }),
      ),
  },
  { name: '1 GiB printed into the log', measure: writing },
  { name: 'fifty started in parallel', measure: fifty },
  { name: 'fifty runs at once', measure: commands },
  { name: 'memory of an idle container', measure: memory(sleeper()) },
  {
    name: 'memory of what stays, ports published',
    measure: memory((command) => `${command} run -d --name bench -p 127.0.0.1::80 ${IMAGE} sleep 100000 >/dev/null`),
  },
  { name: 'processor of two checks in a minute', measure: checking },
];
