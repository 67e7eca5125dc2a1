/** What the benchmarks need: wherry installed apart, an ordinary user, the peers, one image in all of their stores. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { cpus, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type TestUser, testUser } from '#test/support/user.ts';

export type Peer = 'podman' | 'docker';

export interface Bench {
  /** The wherry command's path. */
  wherry: string;
  /** Is this peer here? */
  has(peer: Peer): boolean;
  describe(): string;
  /** Runs a shell line as the user, in wherry's or a peer's surroundings; throws when it fails. */
  run(who: 'wherry' | Peer, line: string): string;
  /** The median of a shell line's times in milliseconds (hyperfine). */
  time(who: 'wherry' | Peer, line: string, options?: { prepare?: string; runs?: number }): number;
  /**
   * A new directory of the user's. It is removed by close() only: some file systems make files slowly for minutes after
   * many were deleted.
   */
  room(): string;
  close(): Promise<void>;
}

/** The image's name in every store. */
export const IMAGE = 'localhost/busybox:latest';

const checkout = fileURLToPath(new URL('../..', import.meta.url));
const DOCKER_SOCKET = '/tmp/dockerd/docker.sock';

export async function openBench(): Promise<Bench> {
  const user = testUser();
  const directory = mkdtempSync(join(tmpdir(), 'wherry-bench-'));
  chmodSync(directory, 0o755);
  const installer = ['--prefix', directory, '--no-packages'];
  execFileSync('sh', [join(checkout, 'install.sh'), ...installer], { stdio: ['ignore', 'ignore', 'inherit'] });
  const shell = shells(user.name);
  const run: Bench['run'] = (who, line) => {
    const [program = '', ...args] = shell(who, line);
    const done = spawnSync(program, args, { encoding: 'utf8', cwd: '/tmp', env: environment(who), maxBuffer: 1 << 28 });
    if (done.status !== 0) throw new Error(`${who}: ${line}\n${done.stderr}`);
    return done.stdout;
  };
  const rooms: string[] = [];
  const bench: Bench = {
    wherry: join(directory, 'bin/wherry'),
    has: (peer) => spawnSync(...asSpawn(shell(peer, `${peer} version`)), { env: environment(peer) }).status === 0,
    describe: () => `${cpus()[0]?.model ?? 'unknown'} × ${cpus().length}, Linux ${release()}; as ${user.name}; medians`,
    run,
    time: (who, line, { prepare, runs } = {}) => {
      const json = join(tmpdir(), `wherry-bench-${process.pid}-${who}.json`);
      const options = [
        '--shell=none',
        ...(prepare === undefined ? [] : [`--prepare=sh -c '${prepare}'`]),
        ...(runs === undefined ? ['--warmup=3', '--min-runs=25'] : [`--runs=${runs}`]),
      ];
      const quoted = [...options, '--style=none', `--export-json=${json}`, line].map(
        (word) => `'${word.replaceAll("'", "'\\''")}'`,
      );
      run(who, `hyperfine ${quoted.join(' ')} >/dev/null`);
      const { results } = JSON.parse(readFileSync(json, 'utf8'));
      rmSync(json);
      return medianOf(results[0]) * 1000;
    },
    room: () => {
      const room = run('wherry', 'mktemp -d "$HOME/bench.XXXXXX"').trim();
      rooms.push(room);
      return room;
    },
    close: async () => {
      removeAll(bench, rooms);
      for (const who of ['wherry', 'podman'] as const) {
        if (who === 'podman' && !bench.has('podman')) continue;
        const name = who === 'wherry' ? bench.wherry : who;
        run(who, `${name} ps -aq | xargs -r ${name} rm -f >/dev/null 2>&1 || true`);
      }
      rmSync(directory, { recursive: true, force: true });
    },
  };
  loadImages(bench, directory);
  await warmUp(bench, directory, user);
  return bench;
}

/** Their files belong to subordinate ids. */
function removeAll(bench: Bench, rooms: readonly string[]): void {
  const [who, remove] = bench.has('podman')
    ? (['podman', 'podman unshare rm -rf'] as const)
    : (['wherry', 'unshare --user --map-root-user --map-auto rm -rf'] as const);
  for (const room of rooms) bench.run(who, `${remove} ${room}`);
}

/** Seconds. hyperfine 2 keeps its measurements only, hyperfine 1 has worked the median out. */
function medianOf(result: { median?: number; measurements?: { time_wall_clock: { value: number } }[] }): number {
  if (result.median !== undefined) return result.median;
  const times = (result.measurements ?? []).map((one) => one.time_wall_clock.value).sort((a, b) => a - b);
  const middle = times.length >> 1;
  const [low = Number.NaN, high = Number.NaN] = [times[middle - (times.length % 2 === 0 ? 1 : 0)], times[middle]];
  return (low + high) / 2;
}

const asSpawn = ([program = '', ...args]: string[]): [string, string[]] => [program, args];

/** How a line is run as the user, or in the peers' surroundings. */
function shells(user: string): (who: 'wherry' | Peer, line: string) => string[] {
  const peers = process.env.WHERRY_PEERS ?? join(checkout, '../shared/peers/peers');
  const root = process.getuid?.() === 0;
  const { runtimeDir, home } = testUser();
  const clean = [
    'env',
    '-i',
    `HOME=${home}`,
    `USER=${user}`,
    `XDG_RUNTIME_DIR=${runtimeDir}`,
    'PATH=/usr/local/bin:/usr/bin:/bin',
  ];
  const asUser = root
    ? ['setpriv', '--reuid', user, '--regid', user, '--init-groups', '--inh-caps=-all', '--', ...clean]
    : clean;
  return (who, line) => {
    if (who === 'wherry' || !existsSync(peers)) return [...asUser, 'sh', '-c', line];
    if (who === 'docker') return [peers, 'run', 'root', 'env', `DOCKER_HOST=unix://${DOCKER_SOCKET}`, 'sh', '-c', line];
    return [peers, 'run', user, 'sh', '-c', line];
  };
}

const environment = (who: 'wherry' | Peer) =>
  who === 'docker' ? { ...process.env, DOCKER_HOST: `unix://${DOCKER_SOCKET}` } : process.env;

/** As install.sh does for the user who runs it: V8's code of the common commands is kept. */
async function warmUp({ wherry, run }: Bench, directory: string, { uid, gid }: TestUser): Promise<void> {
  const script = join(directory, 'warm-up.sh');
  cpSync(join(checkout, 'test/support/warm-up.sh'), script);
  if (process.getuid?.() === 0) execFileSync('chown', ['-R', `${uid}:${gid}`, directory]);
  const registry = spawn(process.execPath, [join(checkout, 'test/support/bundle-registry.ts')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const [host] = await once(registry.stdout, 'data');
    run('wherry', `sh ${script} ${wherry} ${String(host).trim()}`);
  } finally {
    registry.kill();
  }
}

function loadImages(bench: Bench, directory: string): void {
  const archive = join(directory, 'busybox.tar');
  cpSync(join(checkout, 'share/busybox.tar'), archive);
  bench.run('wherry', `${bench.wherry} run --rm --network none ${IMAGE} true`);
  if (bench.has('podman')) bench.run('podman', `podman load -q -i ${archive}`);
  if (bench.has('docker')) {
    bench.run(
      'docker',
      `skopeo copy -q --insecure-policy --dest-daemon-host "$DOCKER_HOST" oci-archive:${archive} docker-daemon:${IMAGE}`,
    );
  }
}
