/** The figures of images: pulled, pushed, saved, loaded, listed. */
import { type Benchmark, both, commandOf, compare, median, type Result } from '#test/bench/compare.ts';
import type { Bench, Peer } from '#test/bench/setting.ts';
import { type Distribution, startDistribution } from '#test/support/distribution.ts';
import { debianLayer } from '#test/support/services.ts';

type Source = Pick<Distribution, 'host' | 'close'>;

const PYTHON = 'library/python';
const POSTGRES = 'library/postgres';
const SMALL = 'test/whiteouts';

/** $WHERRY_BENCH_REGISTRY, where the three images are, else a registry and images of our own. */
async function openSource(): Promise<Source> {
  const given = process.env.WHERRY_BENCH_REGISTRY;
  if (given !== undefined) return { host: given, close: async () => undefined };
  const registry = await startDistribution();
  const base = await debianLayer('python3,python3-pip');
  await registry.push(`${PYTHON}:latest`, { layers: [base], config: { Cmd: ['python3'] } });
  const database = await debianLayer('postgresql');
  await registry.push(`${POSTGRES}:latest`, { layers: [base, database], config: { Cmd: ['postgres'] } });
  const layers = Array.from({ length: 34 }, (_, at) => [{ name: `file${at}`, content: `layer ${at}` }]);
  await registry.push(`${SMALL}:latest`, { layers, config: { Cmd: ['true'] } });
  return registry;
}

async function withSource<T>(work: (source: Source) => T): Promise<T> {
  const source = await openSource();
  try {
    return await work(source);
  } finally {
    await source.close();
  }
}

/** Each in a store that is new (Bench.room()): all of them take 20 GB. */
const ROUNDS = 5;

/** A line as one of them says it, in a round of its own. */
type Turn = (who: 'wherry' | Peer, round: number) => { line: string; prepare?: string };

/**
 * In turns, so that whatever the machine does meanwhile is shared, but for what the other one left in memory for the disk.
 * docker comes last: it has one store, and what is deleted there for its next turn makes the file system slow for all.
 */
function inTurns(bench: Bench, peers: Partial<Record<Peer, number>>, turn: Turn): Result[] {
  const here = (Object.keys(peers) as Peer[]).filter((peer) => bench.has(peer));
  const times = new Map<string, number[]>();
  const take = (who: 'wherry' | Peer, round: number) => {
    const { line, prepare } = turn(who, round);
    if (prepare !== undefined) bench.run(who, prepare);
    bench.run('wherry', 'sync');
    times.set(who, [...(times.get(who) ?? []), bench.time(who, line, { runs: 1 })]);
  };
  for (let round = 0; round < ROUNDS; round++) {
    if (here.includes('podman')) take('podman', round);
    take('wherry', round);
  }
  if (here.includes('docker')) for (let round = 0; round < ROUNDS; round++) take('docker', round);
  return Object.entries(peers).map(([name, most]) => {
    const theirs = times.get(name);
    const ours = median(times.get('wherry') ?? []);
    return { peer: name as Peer, ours, theirs: theirs && median(theirs), unit: 'ms', most };
  });
}

const insecure = (who: 'wherry' | Peer) => (who === 'podman' ? '--tls-verify=false' : '');

/** A store of its own for a round; docker has but one. */
function place(bench: Bench, who: 'wherry' | Peer, directory: string): string {
  if (who === 'wherry') return `env WHERRY_ROOT=${directory} ${bench.wherry}`;
  return who === 'podman' ? `podman --root ${directory} --runroot ${directory}.run` : 'docker';
}

const coldPull = (name: string, peers: Partial<Record<Peer, number>>) => (bench: Bench) =>
  withSource(({ host }) => {
    const room = bench.room();
    return inTurns(bench, peers, (who, round) => {
      const command = place(bench, who, `${room}/${who}${round}`);
      const line = `${command} pull -q ${insecure(who)} ${host}/${name}`;
      return who === 'docker' ? { line, prepare: `docker rmi -f ${host}/${name} >/dev/null 2>&1 || true` } : { line };
    });
  });

/** With an image in the user's own stores. */
async function withImage<T>(bench: Bench, name: string, work: (image: string) => T): Promise<T> {
  return withSource(({ host }) => {
    const image = `${host}/${name}`;
    for (const who of both(bench)) bench.run(who, `${commandOf(bench, who)} pull -q ${insecure(who)} ${image}`);
    try {
      return work(image);
    } finally {
      for (const who of both(bench)) bench.run(who, `${commandOf(bench, who)} rmi -f ${image} >/dev/null`);
    }
  });
}

const pullAgain = (bench: Bench) =>
  withImage(bench, PYTHON, (image) => {
    const line = (command: string) => `${command} pull -q ${command === 'podman' ? insecure('podman') : ''} ${image}`;
    return compare(bench, line, { podman: 0.5 });
  });

const save = (bench: Bench) =>
  withImage(bench, PYTHON, (image) => {
    const room = bench.room();
    return inTurns(bench, { podman: 0.5 }, (who, round) => ({
      line: `${commandOf(bench, who)} save -o ${room}/${who}${round}.tar ${image}`,
    }));
  });

const load = (bench: Bench) =>
  withImage(bench, PYTHON, (image) => {
    const room = bench.room();
    for (const who of both(bench)) bench.run(who, `${commandOf(bench, who)} save -o ${room}/${who}.tar ${image}`);
    return inTurns(bench, { podman: 0.5 }, (who, round) => ({
      line: `${place(bench, who, `${room}/${who}${round}`)} load -q -i ${room}/${who}.tar`,
    }));
  });

/** To a repository that has never been: all blobs are at the registry already. */
const push = (bench: Bench) =>
  withImage(bench, PYTHON, (image) => {
    const host = image.split('/', 1)[0];
    const series = Date.now().toString(36);
    return inTurns(bench, { podman: 0.3 }, (who, round) => {
      const target = `${host}/bench/${who}-${series}-${round}`;
      const command = commandOf(bench, who);
      const prepare = `${command} tag ${image} ${target}`;
      return { prepare, line: `${command} push -q ${insecure(who)} ${target}` };
    });
  });

const HUNDREDS = 300;

const list = (bench: Bench) => {
  const room = bench.room();
  for (const who of both(bench)) {
    const quiet = who === 'podman' ? '-q' : '';
    const add = `${place(bench, who, `${room}/${who}`)} import ${quiet} $i.tar bench:$i >/dev/null`;
    bench.run(who, `cd ${room}; for i in $(seq ${HUNDREDS}); do echo $i >file; tar -cf $i.tar file; ${add}; done`);
  }
  return inTurns(bench, { podman: 0.5 }, (who) => ({ line: `${place(bench, who, `${room}/${who}`)} images` }));
};

/** The most that all processes of a pull have in memory together (proportional set size, proc_pid_smaps(5)), in KiB. */
const memory = (bench: Bench) =>
  withSource(({ host }): Result[] => {
    const command = `${place(bench, 'wherry', `${bench.room()}/store`)} pull -q ${host}/${POSTGRES}`;
    const sum = `cat /proc/[0-9]*/smaps_rollup 2>/dev/null | awk '/^Pss:/ {sum += $2} END {print sum + 0}'`;
    const before = Number(bench.run('wherry', sum));
    const watch = `while kill -0 $p 2>/dev/null; do now=$(${sum}); [ $now -gt $most ] && most=$now; sleep 0.02; done`;
    const most = Number(bench.run('wherry', `${command} >/dev/null & p=$!; most=0; ${watch}; echo $most`));
    return [{ peer: undefined, ours: most - before, theirs: undefined, unit: 'KiB', most: 250 * 1024 }];
  });

export const imageBenchmarks: readonly Benchmark[] = [
  { name: 'pull python, cold', measure: coldPull(PYTHON, { podman: 0.5 }) },
  { name: 'pull postgres, cold', measure: coldPull(POSTGRES, { podman: 0.4, docker: 0.35 }) },
  { name: 'pull 34 small layers', measure: coldPull(SMALL, { podman: 0.3 }) },
  { name: 'pull again', measure: pullAgain },
  { name: 'save to a file', measure: save },
  { name: 'load', measure: load },
  { name: 'push to a new repository', measure: push },
  { name: 'images, three hundred', measure: list },
  { name: 'peak memory of a pull', measure: memory },
];
