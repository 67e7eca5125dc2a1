/**
 * Before the comparisons: finds a Docker Engine, or starts one for this run. $WHERRY_PEERS is a program that runs the
 * peers as a user (`run USER docker …`), installs them (`build`), and starts and stops an engine with its state in a
 * directory (`dockerd DIR`, `dockerd-stop DIR`). Where there is none, a docker of this machine will do.
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
  }
}

/** What we are compared with: its words are those of other versions no longer. */
const VERSION = '28.';
const USUAL_HOST = 'unix:///tmp/dockerd/docker.sock';

export const peers = process.env.WHERRY_PEERS ?? fileURLToPath(new URL('../../../shared/peers/peers', import.meta.url));

/** The state of the engine that this run started. */
let started: string | undefined;

export function setup(project: TestProject): void {
  const engine = findEngine();
  if (engine.lacks !== undefined) process.stderr.write(`Nothing is compared with Docker: ${engine.lacks}\n`);
  project.provide('engine', engine);
}

export async function teardown(): Promise<void> {
  if (started === undefined) return;
  const pid = Number(readFileSync(join(started, 'pid'), 'utf8'));
  spawnSync(peers, ['dockerd-stop', started]);
  while (existsSync(`/proc/${pid}`)) await setTimeout(50);
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
  const state = mkdtempSync(join(tmpdir(), 'wherry-engine-'));
  const start = spawnSync(peers, ['dockerd', state], { encoding: 'utf8' });
  if (start.status === 0) started = state;
  else return { through, host, lacks: `"${peers} dockerd" failed: ${lastLine(start.stderr)}` };
  return asked({ through, host: `unix://${state}/docker.sock` });
}

/** Whether docker reaches an engine of the version that we are compared with. */
function asked({ through, host }: Omit<Engine, 'lacks'>): Engine {
  const [program = '', ...args] = [...through, 'docker', 'version', '--format', '{{.Server.Version}}'];
  const env = host === undefined ? process.env : { ...process.env, DOCKER_HOST: host };
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', env });
  const version = stdout?.trim();
  const at = host === undefined ? '' : ` at ${host}`;
  if (error !== undefined) return { through, host, lacks: `there is no docker here, and no WHERRY_PEERS` };
  if (status !== 0) return { through, host, lacks: `no Docker Engine answers${at}: ${lastLine(stderr)}` };
  const isWanted = version.startsWith(VERSION);
  return { through, host, lacks: isWanted ? undefined : `the engine${at} is ${version}, not ${VERSION}x` };
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
