/** The figures of networks of the user's own. */
import { type Benchmark, commandOf, compare, type Line, type Result } from '#test/bench/compare.ts';
import { type Bench, IMAGE, type Peer } from '#test/bench/setting.ts';

const NETWORK = 'bench-net';

const PEERS: readonly Peer[] = ['podman', 'docker'];

/** With the network there, by us and by the peers. */
function withNetwork<T>(bench: Bench, measure: () => T): T {
  const all = ['wherry' as const, ...PEERS.filter((peer) => bench.has(peer))];
  for (const who of all) bench.run(who, `${commandOf(bench, who)} network create ${NETWORK} >/dev/null`);
  try {
    return measure();
  } finally {
    for (const who of all) {
      const command = commandOf(bench, who);
      bench.run(who, `${removeTen(command)}; ${command} network rm ${NETWORK} >/dev/null`);
    }
  }
}

const TEN = Array.from({ length: 10 }, (_, at) => `bench-${at}`).join(' ');

const removeTen: Line = (command) => `${command} rm -f ${TEN} >/dev/null 2>&1 || true`;

/** One after the other, as compose starts services that wait for each other. */
const startTen: Line = (command) =>
  `sh -c 'for name in ${TEN}; do ${command} run -d --name $name --network ${NETWORK} ${IMAGE} sleep 100000 >/dev/null; done'`;

/** All at once, as compose starts what waits for nobody: made before, and started by one command. */
const startMade: Line = (command) => `${command} start ${TEN}`;

const makeTen: Line = (command) =>
  `${removeTen(command)}; for name in ${TEN}; do ${command} create --name $name --network ${NETWORK} ${IMAGE} sleep 100000 >/dev/null; done`;

/** A name asked for again and again, by one container of another. */
const ask: Line = (command) =>
  `${command} run --rm --network ${NETWORK} ${IMAGE} sh -c 'i=0; while [ $i -lt 500 ]; do nslookup -type=a bench-0 >/dev/null; i=$((i+1)); done'`;

const named = (measure: (bench: Bench) => Result[]) => (bench: Bench) => withNetwork(bench, () => measure(bench));

export const networkBenchmarks: readonly Benchmark[] = [
  {
    name: 'run --rm on a network of the user',
    measure: named((bench) =>
      compare(bench, (command) => `${command} run --rm --network ${NETWORK} ${IMAGE} true`, {
        podman: 0.35,
        docker: 0.35,
      }),
    ),
  },
  {
    name: 'ten containers on one network',
    measure: named((bench) => compare(bench, startTen, { podman: 0.4 }, { runs: 3, prepare: removeTen })),
  },
  {
    name: 'ten containers on one network by one command',
    measure: named((bench) => compare(bench, startMade, { podman: 0.4 }, { runs: 3, prepare: makeTen })),
  },
  {
    name: '500 lookups of a container’s name',
    measure: named((bench) => {
      for (const who of ['wherry', ...PEERS] as const) {
        if (who !== 'wherry' && !bench.has(who)) continue;
        const start = `run -d --name bench-0 --network ${NETWORK} ${IMAGE} sleep 100000`;
        bench.run(who, `${commandOf(bench, who)} ${start} >/dev/null`);
      }
      return compare(bench, ask, { podman: 1 }, { runs: 5 });
    }),
  },
];
