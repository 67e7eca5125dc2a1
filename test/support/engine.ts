/**
 * Before the comparisons: finds a Docker Engine, or starts one for this run. $WHERRY_PEERS is a program that runs the
 * peers as a user (`run USER docker …`), installs them (`build`), and starts an engine with its state, its socket and its
 * pid in a directory (`dockerd DIR`). Where there is none, a docker of this machine will do.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';

export interface Engine {
  /** What comes before `docker …`: nothing, or a program with its words. */
  through: readonly string[];
  /** DOCKER_HOST; undefined: where docker looks by itself. */
  host: string | undefined;
  /** Why there is nothing to compare with; undefined where there is. */
  lacks: string | undefined;
}

declare module 'vitest' {
  interface ProvidedContext {
    engine: Engine;
    /** A directory of this run's own, on the file system that docker sees. */
    scratch: string;
  }
}

/** What we are compared with: others have other words. */
const VERSION = '28.5.';
const USUAL_HOST = 'unix:///tmp/dockerd/docker.sock';

export const peers = process.env.WHERRY_PEERS ?? fileURLToPath(new URL('../../../shared/peers/peers', import.meta.url));

/** The state of the engine that this run started. */
let started: string | undefined;
let scratch: string | undefined;

export function setup(project: TestProject): void {
  const engine = findEngine();
  if (engine.lacks !== undefined) {
    process.stderr.write(`Nothing is compared with Docker: ${engine.lacks} (CONTRIBUTING.md says what helps)\n`);
  }
  project.provide('engine', engine);
  scratch = mkdtempSync(join(tmpdir(), 'wherry-compared-'));
  project.provide('scratch', scratch);
}

export async function teardown(): Promise<void> {
  if (scratch !== undefined) rmSync(scratch, { recursive: true, force: true });
  if (started === undefined) return;
  const file = join(started, 'pid');
  const pid = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
  if (pid > 0) process.kill(pid, 'SIGTERM');
  // It ends its containers first.
  while (pid > 0 && existsSync(`/proc/${pid}`)) await setTimeout(50);
  rmSync(started, { recursive: true, force: true });
}

function findEngine(): Engine {
  const host = process.env.DOCKER_HOST;
  const found = [isProgram(peers) && startedPeers(), asked({ through: [], host })].filter((engine) => engine !== false);
  return found.find(({ lacks }) => lacks === undefined) ?? (found[0] as Engine);
}

/** The engine of the peers, which answers already or is started; only root can run them. */
function startedPeers(): Engine {
  const through = [peers, 'run', 'root'];
  const host = process.env.DOCKER_HOST ?? USUAL_HOST;
  if (process.getuid?.() !== 0) return { through, host, lacks: `only root can run ${peers}` };
  const built = spawnSync(peers, ['build'], { encoding: 'utf8' });
  if (built.status !== 0) return { through, host, lacks: `"${peers} build" failed: ${lastLine(built.stderr)}` };
  const running = asked({ through, host });
  if (running.lacks === undefined || process.env.DOCKER_HOST !== undefined) return running;
  started = mkdtempSync(join(tmpdir(), 'wherry-engine-'));
  const { status, stderr } = spawnSync(peers, ['dockerd', started], { encoding: 'utf8' });
  if (status !== 0) return { through, host, lacks: `"${peers} dockerd" failed: ${lastLine(stderr)}` };
  return asked({ through, host: `unix://${started}/docker.sock` });
}

/** Whether docker reaches an engine, both of the version that we are compared with. */
function asked({ through, host }: Omit<Engine, 'lacks'>): Engine {
  const [program = '', ...args] = [
    ...through,
    'docker',
    'version',
    '--format',
    '{{.Client.Version}} {{.Server.Version}}',
  ];
  const env = host === undefined ? process.env : { ...process.env, DOCKER_HOST: host };
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', env });
  if (error !== undefined) return { through, host, lacks: 'there is no docker here, and no WHERRY_PEERS' };
  if (status !== 0) return { through, host, lacks: `no Docker Engine answers: ${lastLine(stderr)}` };
  const versions = stdout.trim();
  const isWanted = versions.split(' ').every((version) => version.startsWith(VERSION));
  return { through, host, lacks: isWanted ? undefined : `client and engine are ${versions}, not both ${VERSION}x` };
}

const lastLine = (text: string) => text.trim().split('\n').at(-1) ?? '';

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
