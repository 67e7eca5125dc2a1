/**
 * A container's health check: what its monitor has to know to do it (native/monitor/health.c), and what it has found.
 * Defaults as moby's daemon has them (daemon/health.go).
 */
import { mkdirSync } from 'node:fs';
import type { HealthConfig } from '#base/api.ts';
import { WherryError } from '#base/error.ts';
import { formatDuration } from '#base/units.ts';
import { listenToMonitor } from '#container/ear.ts';
import { hostFacts } from '#container/facts.ts';
import { resolveUser } from '#container/identity.ts';
import { findContainer } from '#container/names.ts';
import { makeProcess } from '#container/process.ts';
import type { ContainerRecord, State } from '#container/record.ts';
import { rootfsPath } from '#container/rootfs.ts';
import { isRunning, readState } from '#container/state.ts';
import type { RuntimeCommand } from '#oci/runtime.ts';
import type { Store } from '#store/store.ts';
import { readJson, replace } from '#sys/file.ts';

/** Engine API `Health`, as `inspect` shows it. */
export interface Health {
  Status: 'starting' | 'healthy' | 'unhealthy';
  FailingStreak: number;
  /** The five latest, the oldest first. ExitCode -1: not started, or taken too long. */
  Log: { Start: string; End: string; ExitCode: number; Output: string }[];
}

const DEFAULTS = { interval: 30e9, timeout: 30e9, startInterval: 5e9, retries: 3 };

/** The words of the check's command; undefined where the container has none. */
function healthCommand({ config }: Pick<ContainerRecord, 'config'>): string[] | undefined {
  const [kind, ...words] = config.Healthcheck?.Test ?? [];
  if (words.length === 0) return undefined;
  if (kind === 'CMD') return words;
  return kind === 'CMD-SHELL' ? [...(config.Shell?.length ? config.Shell : ['/bin/sh', '-c']), ...words] : undefined;
}

/**
 * The monitor's settings for the checks, none where there are none. Writes the process that each check is, with what an
 * exec has by itself: the container's environment, user and directory. The root must be mounted. runtime: with a log
 * at `health.log`.
 */
export function healthSettings(
  store: Store,
  record: ContainerRecord,
  runtime: () => Pick<RuntimeCommand, 'exec'>,
): [key: string, value: string | number][] {
  const command = healthCommand(record);
  if (command === undefined) return [];
  const at = (name: string) => store.path('containers', record.id, name);
  const process = at('bundle/health.json');
  mkdirSync(at('bundle'), { recursive: true, mode: 0o700 });
  replace(process, JSON.stringify(checkProcess(store, record, command)));
  const words = runtime().exec({ id: record.id, process, pidFile: at('health.pid'), terminal: false });
  return [
    ...words.map((word): [string, string] => ['health', word]),
    ['health-record', at('health.json')],
    ['health-command', command.join(' ')],
    ['health-pid-file', at('health.pid')],
    ['health-log', at('health.log')],
    ...timing(record.config.Healthcheck ?? {}),
    ['health-action', record.extras?.healthAction ?? 'none'],
  ];
}

function timing(check: HealthConfig): [string, string | number][] {
  // Never 0: that would be no pause at all.
  const milliseconds = (nanoseconds: number) => Math.max(Math.round(nanoseconds / 1e6), 1);
  const timeout = check.Timeout || DEFAULTS.timeout;
  return [
    ['health-late', `Health check exceeded timeout (${formatDuration(timeout)})`],
    ['health-interval', milliseconds(check.Interval || DEFAULTS.interval)],
    ['health-timeout', milliseconds(timeout)],
    ['health-start-period', check.StartPeriod ? milliseconds(check.StartPeriod) : 0],
    ['health-start-interval', milliseconds(check.StartInterval || DEFAULTS.startInterval)],
    ['health-retries', check.Retries || DEFAULTS.retries],
  ];
}

function checkProcess(store: Store, record: ContainerRecord, args: readonly string[]) {
  const { User: user, WorkingDir: cwd } = record.config;
  return makeProcess(record, hostFacts(store), {
    args,
    terminal: false,
    identity: resolveUser(rootfsPath(store, record.id), user, record.hostConfig.GroupAdd ?? []),
    cwd,
  });
}

/** What the checks have found; undefined where there are none, or where the container was never started. */
export function readHealth(store: Store, record: ContainerRecord, state: State | undefined): Health | undefined {
  if (healthCommand(record) === undefined || state === undefined) return undefined;
  const health = readJson<Health>(store.path('containers', record.id, 'health.json'));
  // Also where the monitor was killed before it could say so.
  return health !== undefined && !isRunning(state) ? { ...health, Status: 'unhealthy' } : health;
}

/** podman's status where nothing was checked. */
const REFUSED = { exitCode: 125 };

/** What one check has found: healthy, unhealthy, or failed while the container is starting. */
export type Verdict = Health['Status'];

/**
 * Checks a container's health now, by its monitor, which keeps the result as of any other check. A check that is at
 * work already is waited for. Throws kind `not-found`, or `conflict` in podman's words where it can't be checked.
 */
export async function checkHealth(store: Store, name: string): Promise<Verdict> {
  const record = find(store, name);
  const notRunning = () => new WherryError('conflict', `container ${record.id} is not running`, REFUSED);
  if (readState(store, record.id)?.status !== 'running') throw notRunning();
  if (healthCommand(record) === undefined) {
    throw new WherryError('conflict', `container ${record.id} has no defined healthcheck`, {
      ...REFUSED,
      hint: 'Give it one when it is made: --health-cmd, or HEALTHCHECK in its image',
    });
  }
  const ear = listenToMonitor(store, record.id);
  try {
    ear?.say('check');
    const [, code, status] = (await ear?.hear('checked')) ?? [];
    if (status !== 'starting' && status !== 'healthy' && status !== 'unhealthy') throw notRunning();
    if (code === '0') return 'healthy';
    return status === 'starting' && isInStartPeriod(store, record) ? 'starting' : 'unhealthy';
  } finally {
    ear?.hangUp();
  }
}

/** podman's word for a failure that counts for nothing yet. */
function isInStartPeriod(store: Store, { id, config }: ContainerRecord): boolean {
  const started = Date.parse(readState(store, id)?.startedAt ?? '');
  return Date.now() - started < (config.Healthcheck?.StartPeriod ?? 0) / 1e6;
}

function find(store: Store, name: string): ContainerRecord {
  try {
    return findContainer(store, name);
  } catch (error) {
    if (!(error instanceof WherryError) || error.kind !== 'not-found') throw error;
    throw new WherryError('not-found', `unable to look up ${name} to perform a health check: ${error.message}`, {
      ...REFUSED,
      cause: error,
    });
  }
}
