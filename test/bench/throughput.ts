/** How much gets through networks, and how fast: iperf3 and wrk of this machine, and a small service, in an image of the bench's own. */
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Benchmark, commandOf, median, type Result } from '#test/bench/compare.ts';
import type { Bench } from '#test/bench/setting.ts';

const TOOLS = 'localhost/bench-tools';
const NETWORK = 'bench-through';
const ROUNDS = 5;
const SECONDS = 2;

type Who = 'wherry' | 'podman';
const PORTS: Record<Who, number> = { wherry: 15201, podman: 15202 };

const find = (name: string): string | undefined => {
  try {
    return execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim();
  } catch {
    return undefined;
  }
};

/** An archive of a root with iperf3, its libraries, and the service that answers HTTP on port 7000. */
function packTools(room: string): string {
  const root = join(room, 'root');
  for (const part of ['bin', 'tmp']) mkdirSync(join(root, part), { recursive: true });
  const iperf = find('iperf3') ?? '';
  copyFileSync(iperf, join(root, 'bin/iperf3'));
  const libraries = execFileSync('ldd', [iperf], { encoding: 'utf8' }).match(/\/\S+/g) ?? [];
  for (const library of libraries) {
    mkdirSync(join(root, dirname(library)), { recursive: true });
    copyFileSync(library, join(root, library));
  }
  const source = fileURLToPath(new URL('../support/peer.c', import.meta.url));
  execFileSync('gcc', ['-static', '-O2', '-o', join(root, 'bin/peer'), source]);
  const archive = join(room, 'tools.tar');
  execFileSync('tar', ['-C', root, '-cf', archive, '.']);
  chmodSync(archive, 0o644);
  return archive;
}

interface Setting {
  /** What each one's container has beside its port. */
  options: Record<Who, string>;
  /** What runs in it. */
  command: string;
  /** Its port. */
  port: number;
}

/** Milliseconds for a piece of work, in turns with podman: medians. Nothing where the programs are missing. */
function inTurns(bench: Bench, most: number, setting: Setting, measure: (who: Who) => number): Result[] {
  const missing = ['iperf3', 'wrk', 'gcc'].find((name) => find(name) === undefined);
  if (missing !== undefined) {
    process.stderr.write(`${missing} is not installed (Debian, Ubuntu: apt install iperf3 wrk gcc libc6-dev)\n`);
    return [];
  }
  const all: Who[] = bench.has('podman') ? ['podman', 'wherry'] : ['wherry'];
  const room = execFileSync('mktemp', ['-d', '/tmp/wherry-bench.XXXXXX'], { encoding: 'utf8' }).trim();
  chmodSync(room, 0o755);
  const archive = packTools(room);
  const times: Record<Who, number[]> = { wherry: [], podman: [] };
  try {
    for (const who of all) {
      const command = commandOf(bench, who);
      bench.run(
        who,
        `${command} import ${archive} ${TOOLS} >/dev/null 2>&1; ${command} network create ${NETWORK} >/dev/null`,
      );
      const published = `-p ${PORTS[who]}:${setting.port}`;
      bench.run(
        who,
        `${command} run -d --name through --tmpfs /tmp ${setting.options[who]} ${published} ${TOOLS} ${setting.command} >/dev/null`,
      );
    }
    execFileSync('sleep', ['1']);
    for (let round = 0; round < ROUNDS; round++) for (const who of all) times[who].push(measure(who));
  } finally {
    for (const who of all) {
      const command = commandOf(bench, who);
      bench.run(
        who,
        `${command} rm -f through >/dev/null; ${command} network rm ${NETWORK} >/dev/null; ${command} rmi -f ${TOOLS} >/dev/null`,
      );
    }
    rmSync(room, { recursive: true });
  }
  const theirs = all.includes('podman') ? median(times.podman) : undefined;
  return [{ peer: 'podman', ours: median(times.wherry), theirs, unit: 'ms', most }];
}

/** Milliseconds for a GiB, of what iperf3 prints. */
const perGiB = (json: string) => 2 ** 33 / (JSON.parse(json).end.sum_received.bits_per_second / 1000);

const IPERF = 'iperf3 -s';
const ON_NETWORK = `--network ${NETWORK}`;
const BRIDGES = { wherry: ON_NETWORK, podman: ON_NETWORK };

const intoPort = (bench: Bench) => (who: Who) =>
  perGiB(bench.run('wherry', `iperf3 -c 127.0.0.1 -p ${PORTS[who]} -t ${SECONDS} -J`));

const requests = (bench: Bench) => (who: Who) => {
  const said = bench.run('wherry', `wrk -t1 -c32 -d${SECONDS} -H 'Connection: close' http://127.0.0.1:${PORTS[who]}/`);
  return 1_000_000 / Number(/Requests\/sec:\s+([\d.]+)/.exec(said)?.[1]);
};

const fromContainer = (bench: Bench, target: string) => (who: Who) => {
  const client = `run --rm ${ON_NETWORK} --tmpfs /tmp ${TOOLS} iperf3 -c ${target} -t ${SECONDS} -J`;
  return perGiB(bench.run(who, `${commandOf(bench, who)} ${client}`));
};

/** With a server on the host itself, which containers know by a name. */
async function outbound(bench: Bench): Promise<Result[]> {
  const server = spawn('iperf3', ['-s', '-p', '15203'], { stdio: 'ignore' });
  server.on('error', () => undefined);
  try {
    const idle = { options: BRIDGES, command: IPERF, port: 5201 };
    return inTurns(bench, 1, idle, fromContainer(bench, 'host.containers.internal -p 15203'));
  } finally {
    server.kill();
  }
}

export const throughputBenchmarks: readonly Benchmark[] = [
  {
    name: 'GiB into a published port (podman: bridge)',
    measure: (bench) => inTurns(bench, 1 / 1.5, { options: BRIDGES, command: IPERF, port: 5201 }, intoPort(bench)),
  },
  {
    name: 'GiB into a published port (podman: pasta)',
    measure: (bench) => {
      const options = { wherry: ON_NETWORK, podman: '--network pasta' };
      return inTurns(bench, 1 / 0.9, { options, command: IPERF, port: 5201 }, intoPort(bench));
    },
  },
  {
    name: '1000 new connections to a published port',
    measure: (bench) => inTurns(bench, 1 / 1.3, { options: BRIDGES, command: 'peer', port: 7000 }, requests(bench)),
  },
  {
    name: 'GiB from container to container',
    measure: (bench) => {
      const setting = { options: BRIDGES, command: IPERF, port: 5201 };
      return inTurns(bench, 1 / 0.95, setting, fromContainer(bench, 'through'));
    },
  },
  { name: 'GiB from a container to the host', measure: outbound },
];
