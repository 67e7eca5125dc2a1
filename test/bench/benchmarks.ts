/** The figures, one function each. A ratio is ours over theirs: below `most` is what was promised. */
import { type Bench, IMAGE, type Peer } from '#test/bench/setting.ts';
import { startDistribution } from '#test/support/distribution.ts';
import { debianLayer } from '#test/support/services.ts';

interface Result {
  peer: Peer | 'conmon';
  ours: number;
  /** Absent: the peer is not here. */
  theirs: number | undefined;
  unit: 'ms' | 'KiB';
  most: number;
}

export interface Benchmark {
  name: string;
  measure(bench: Bench): Promise<Result[]> | Result[];
}

type Line = (command: string) => string;

/** The same line by us and by the peers, timed in turns. */
function compare(
  bench: Bench,
  line: Line,
  peers: Partial<Record<Peer, number>>,
  options: { runs?: number; prepare?: Line } = {},
): Result[] {
  const { runs, prepare } = options;
  const timed = (who: 'wherry' | Peer) => {
    const command = who === 'wherry' ? bench.wherry : who;
    return bench.time(who, line(command), {
      ...(runs === undefined ? {} : { runs }),
      ...(prepare === undefined ? {} : { prepare: prepare(command) }),
    });
  };
  return Object.entries(peers).map(([peer, most]) => {
    const name = peer as Peer;
    const here = bench.has(name);
    // Theirs first: what the machine has warmed up by then is to our disadvantage as little as to theirs.
    const theirs = here ? timed(name) : undefined;
    return { peer: name, ours: timed('wherry'), theirs, unit: 'ms', most };
  });
}

const both = (bench: Bench): ('wherry' | Peer)[] => (bench.has('podman') ? ['wherry', 'podman'] : ['wherry']);
const commandOf = (bench: Bench, who: 'wherry' | Peer) => (who === 'wherry' ? bench.wherry : who);

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

const ROUNDS = 5;

/**
 * A Debian image with Python, from a registry on loopback, into stores that are new each time: some file systems are
 * slow for a while after many files were deleted. In turns, so that whatever the machine does meanwhile is shared, but for
 * what the other one left in memory for the disk.
 */
async function coldPull(bench: Bench): Promise<Result[]> {
  const source = await pythonImage();
  const times: Record<'wherry' | 'podman', number[]> = { wherry: [], podman: [] };
  const timed = (who: 'wherry' | 'podman', line: string) => {
    bench.run('wherry', 'sync');
    return bench.time(who, line, { runs: 1 });
  };
  const room = bench.run('wherry', 'mktemp -d "$HOME/bench.XXXXXX"').trim();
  try {
    for (let round = 0; round < ROUNDS; round++) {
      if (bench.has('podman')) {
        const place = `--root ${room}/podman${round} --runroot ${room}/run${round}`;
        times.podman.push(timed('podman', `podman ${place} pull -q --tls-verify=false ${source.image}`));
      }
      const place = `env WHERRY_ROOT=${room}/wherry${round}`;
      times.wherry.push(timed('wherry', `${place} ${bench.wherry} pull -q ${source.image}`));
    }
  } finally {
    if (bench.has('podman')) bench.run('podman', `podman unshare rm -rf ${room}`);
    else bench.run('wherry', `unshare --user --map-root-user --map-auto rm -rf ${room}`);
    await source.close();
  }
  const theirs = times.podman.length === 0 ? undefined : median(times.podman);
  return [{ peer: 'podman', ours: median(times.wherry), theirs, unit: 'ms', most: 0.5 }];
}

const median = (times: number[]) => times.toSorted((one, other) => one - other)[times.length >> 1] ?? Number.NaN;

/** $WHERRY_BENCH_IMAGE, else one of our own on a registry of our own. */
async function pythonImage(): Promise<{ image: string; close(): Promise<void> }> {
  const given = process.env.WHERRY_BENCH_IMAGE;
  if (given !== undefined) return { image: given, close: async () => undefined };
  const registry = await startDistribution();
  const layers = [await debianLayer('python3,python3-pip')];
  const image = await registry.push('bench/python:1', { layers, config: { Cmd: ['python3'] } });
  return { image, close: () => registry.close() };
}

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
  { name: 'pull, cold', measure: coldPull },
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
