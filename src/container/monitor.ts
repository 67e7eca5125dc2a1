/**
 * Starts the monitor, the small process that stays with a container when the command has gone: writes its one file, and
 * has it spawned (monitor-talk.ts).
 */
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { WherryError } from '#base/error.ts';
import { eventFile } from '#container/event.ts';
import { isDirectoryInRoot } from '#container/executable.ts';
import { healthSettings } from '#container/health.ts';
import { type LogPlan, planLog } from '#container/logconfig.ts';
import { converse, type MonitorHandle, spawnMonitor } from '#container/monitor-talk.ts';
import type { ContainerRecord } from '#container/record.ts';
import { portRefusal, startRefusal } from '#container/refusal.ts';
import { rootfsPath } from '#container/rootfs.ts';
import { parseSignal } from '#container/signals.ts';
import { socketPath } from '#container/state.ts';
import type { Streams } from '#container/streams.ts';
import { type CgroupManager, CONSOLE_FLAG, findRuntime, type RuntimeCommand, runtimeCommand } from '#oci/runtime.ts';
import { guardRuntime } from '#oci/runtime-guard.ts';
import { JOURNAL } from '#store/events.ts';
import type { Store } from '#store/store.ts';
import { replace } from '#sys/file.ts';
import { installation } from '#sys/host.ts';
import { run } from '#sys/process.ts';
import { managerEnvironment } from '#sys/scope.ts';

export interface MonitorOptions {
  /** The OCI bundle's directory. */
  bundle: string;
  cgroupManager: CgroupManager;
  /** The container's memory.events, where there is a cgroup that counts. */
  oomFile?: string;
  /** Which of this command's own streams the container gets (container/streams.ts says which it may get). */
  attach?: Streams;
  /** First size of the terminal: rows, columns. */
  size?: [number, number];
  /** The path of the user's network namespace, from where published ports are forwarded. */
  netns?: string;
  /** `proto host-address host-port container-address container-port`, one each. */
  publish?: string[];
  /** `address/prefix` of what the container reaches by itself: clients from there see the gateway's address. */
  near?: string[];
  /** By the version: published ports show clients' addresses. */
  showsClients?: { 4?: boolean; 6?: boolean };
  /** The monitor listens, and starts the container when a client has attached: attach in here. */
  onReady?: () => Promise<void>;
}

/** A line of the monitor's file. */
export type Setting = [key: string, value: string | number];

/** A runtime, and the environment that it and its monitor are started in. */
export interface PlacedRuntime extends RuntimeCommand {
  kind: string;
  env: NodeJS.ProcessEnv;
}

/** How the runtime of a container is called. */
export function runtimeOf(
  store: Store,
  { hostConfig }: { hostConfig: Pick<ContainerRecord['hostConfig'], 'Runtime'> },
  { cgroupManager, log }: { cgroupManager: CgroupManager; log?: string },
): PlacedRuntime {
  const { namespace } = store.host;
  // Only a mount namespace of our own is the place for a mount that stays.
  const place = namespace === 'user' || namespace === 'single' ? store.runtime : undefined;
  const runtime = guardRuntime(findRuntime(hostConfig.Runtime), place);
  const root = join(store.runtime, runtime.kind);
  return {
    kind: runtime.kind,
    env: { ...managerEnvironment(store.host.uid), ...runtime.env },
    ...runtimeCommand(runtime, { root, cgroupManager, ...(log === undefined ? {} : { log }) }),
  };
}

/**
 * Starts a container by its bundle. The caller holds its lock. When it resolves, the container's process runs.
 * Throws what kept it from starting in Docker's words, with Docker's exit code (125, 126, 127).
 */
export async function startMonitor(
  store: Store,
  record: ContainerRecord,
  wishes: MonitorOptions,
): Promise<MonitorHandle> {
  const options = withStreams(record, wishes);
  const at = (name: string) => store.path('containers', record.id, name);
  const runtime = runtimeOf(store, record, { cgroupManager: options.cgroupManager, log: at('runtime.log') });
  for (const name of ['s', 'monitors', runtime.kind]) {
    mkdirSync(join(store.runtime, name), { recursive: true, mode: 0o700 });
  }
  rmSync(at('runtime.log'), { force: true });
  await forgetInRuntime(store, record.id, runtime);
  const conf = at('monitor.conf');
  const checker = () => runtimeOf(store, record, { cgroupManager: options.cgroupManager, log: at('health.log') });
  writeSettings(conf, [...runSettings(store, record, runtime, options), ...healthSettings(store, record, checker)]);
  const explain = (text: string) =>
    text.startsWith('bind ')
      ? portRefusal(text.slice('bind '.length), record)
      : startRefusal(text, {
          kind: 'run',
          runtime: runtime.kind,
          command: record.path,
          directory: record.config.WorkingDir,
          isDirectory: isDirectoryInRoot(rootfsPath(store, record.id), record.config.WorkingDir, record.path),
        });
  return converse(spawnMonitor(conf, options.attach, runtime.env, record.extras?.preserveFds), { explain, ...options });
}

/** What a monitor that was killed left: a runtime refuses an id that it knows. */
export async function forgetInRuntime(store: Store, id: string, runtime: PlacedRuntime): Promise<void> {
  if (!existsSync(join(store.runtime, runtime.kind, id))) return;
  const [program = '', ...args] = runtime.delete(id, { force: true });
  await run(program, args, { env: runtime.env });
}

function runSettings(
  store: Store,
  record: ContainerRecord,
  runtime: PlacedRuntime,
  options: MonitorOptions,
): Setting[] {
  const { id, config, hostConfig } = record;
  const at = (name: string) => store.path('containers', id, name);
  const [rows, columns] = options.size ?? hostConfig.ConsoleSize;
  const pidFile = at('pid');
  return [
    ['mode', 'run'],
    ['id', id],
    ['container-dir', at('.')],
    ['state', at('state.json')],
    ['boot-id', store.bootId],
    ['socket', socketPath(store, id)],
    ['register', join(store.runtime, 'monitors', id)],
    ['terminal', config.Tty ? 1 : 0],
    ['stdin', config.OpenStdin ? 1 : 0],
    ['stdin-once', config.StdinOnce ? 1 : 0],
    ...streamSettings(options, [rows, columns]),
    ...logSettings(planLog(store, record)),
    ...extraSettings(record),
    ['restart', hostConfig.RestartPolicy.Name || 'no'],
    ['restart-max', hostConfig.RestartPolicy.MaximumRetryCount],
    ...stopSettings(config),
    ['pid-file', pidFile],
    ['runtime-log', at('runtime.log')],
    ['console-flag', CONSOLE_FLAG],
    ...each('runtime', runtime.run({ id, bundle: options.bundle, pidFile, terminal: config.Tty, ...fdsOf(record) })),
    ...each('delete', runtime.delete(id, { force: true })),
    ...each('cleanup', [join(installation(), 'bin/wherry'), 'container', 'cleanup', id]),
    ...(options.oomFile === undefined ? [] : [['oom-file', options.oomFile] as Setting]),
    ...(options.netns === undefined ? [] : [['netns', options.netns] as Setting]),
    ...publishSettings(options),
    ...eventSettings(store, id),
  ];
}

function publishSettings({ publish = [], near = [], showsClients = {} }: MonitorOptions): Setting[] {
  if (publish.length === 0) return [];
  const transparent = (showsClients[4] ? 1 : 0) | (showsClients[6] ? 2 : 0);
  return [...each('publish', publish), ...each('near', near), ['transparent', transparent]];
}

/** Where the monitor notes what happens to a container. */
export function eventSettings(store: Store, id: string): Setting[] {
  return [
    ['events', store.path(JOURNAL)],
    ['event-attributes', eventFile(store, id)],
  ];
}

/** How the monitor ends the container when the system goes down. */
function stopSettings({ StopSignal, StopTimeout = 10 }: ContainerRecord['config']): Setting[] {
  return [
    ['stop-signal', stopSignal(StopSignal || 'TERM')],
    ['stop-timeout', StopTimeout * 1000],
  ];
}

/** One that this kernel does not have keeps nothing from starting. */
function stopSignal(text: string): number {
  try {
    return parseSignal(text);
  } catch (error) {
    if (error instanceof WherryError) return SIGTERM;
    throw error;
  }
}

const SIGTERM = 15;

/** What run and exec share: the direct streams, the terminal's size, whether the start waits for a client. */
export function streamSettings(
  { attach, onReady }: Pick<MonitorOptions, 'attach' | 'onReady'>,
  [rows, columns]: [number, number],
): Setting[] {
  const mask = (attach?.stdin ? 1 : 0) | (attach?.stdout ? 2 : 0) | (attach?.stderr ? 4 : 0);
  return [
    ['direct', mask],
    ['rows', rows],
    ['cols', columns],
    ['await-client', onReady === undefined ? 0 : 1],
  ];
}

const fdsOf = ({ extras }: ContainerRecord) =>
  extras?.preserveFds === undefined ? {} : { preserveFds: extras.preserveFds };

/** What podman has and Docker has not. */
function extraSettings({ extras = {}, hostConfig }: ContainerRecord): Setting[] {
  const settings: Setting[] = [];
  if (hostConfig.LogConfig.Type === 'passthrough') settings.push(['untouched', 1]);
  if (extras.preserveFds !== undefined) settings.push(['extra-files', extras.preserveFds]);
  if (extras.timeout !== undefined) settings.push(['timeout', extras.timeout * 1000]);
  if (extras.pidFile !== undefined) settings.push(['own-pid-file', extras.pidFile]);
  return settings;
}

function logSettings(plan: LogPlan | undefined): Setting[] {
  if (plan === undefined) return [];
  return [
    ['log', plan.path],
    ['log-max-size', plan.maxSize],
    ['log-max-file', plan.maxFile],
    ['log-driver', plan.driver],
    ...(plan.compressor === undefined ? [] : [['log-compressor', plan.compressor] as Setting]),
    ...(plan.fields === undefined ? [] : [['log-fields', plan.fields] as Setting]),
    ...(plan.attributes === undefined ? [] : [['log-attrs', JSON.stringify(plan.attributes)] as Setting]),
  ];
}

/** A key once for each value. */
export function each(key: string, values: readonly string[]): Setting[] {
  return values.map((value) => [key, value]);
}

/** Writes the monitor's file: a line a setting, line feeds and backslashes in values escaped. */
export function writeSettings(path: string, settings: readonly Setting[]): void {
  const lines = settings.map(([key, value]) => {
    const escaped = String(value).replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
    return `${key} ${escaped}\n`;
  });
  replace(path, lines.join(''));
}

/** --log-driver passthrough: the container has our streams, whatever they are and whether we stay or not. */
function withStreams({ config, hostConfig }: ContainerRecord, options: MonitorOptions): MonitorOptions {
  if (hostConfig.LogConfig.Type !== 'passthrough') return options;
  return { ...options, attach: { stdin: config.OpenStdin, stdout: true, stderr: true } };
}
