/**
 * exec: one more process in a running container.
 *
 * Where the command's own streams may go to the process as they are, the runtime itself runs it in front, in a session
 * of its own, and nothing of ours stands in between; so does a detached one. A terminal, and streams that must not be
 * handed over (container/streams.ts), get a monitor. As with Docker the process outlives the command that started it,
 * and signals to that command are not forwarded.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasCode, WherryError } from '#base/error.ts';
import { recordContainerEvent } from '#container/event.ts';
import { hindranceOf } from '#container/executable.ts';
import { hostFacts } from '#container/facts.ts';
import { resolveUser } from '#container/identity.ts';
import {
  each,
  eventSettings,
  type PlacedRuntime,
  runtimeOf,
  streamSettings,
  writeSettings,
} from '#container/monitor.ts';
import { converse, spawnMonitor } from '#container/monitor-talk.ts';
import { findContainer, newId } from '#container/names.ts';
import { makeProcess } from '#container/process.ts';
import type { ContainerRecord, State } from '#container/record.ts';
import { type Attempt, execRefusal, REFUSED } from '#container/refusal.ts';
import { rootfsPath } from '#container/rootfs.ts';
import { checkDescriptors } from '#container/settle-extras.ts';
import { isRestarting, readState, socketPath } from '#container/state.ts';
import { directStreams, extraDescriptors, mayHandOverAll, type Streams, stdioOf } from '#container/streams.ts';
import { namespaceOf } from '#container/userns.ts';
import { CONSOLE_FLAG } from '#oci/runtime.ts';
import type { Process } from '#oci/spec.ts';
import type { Store } from '#store/store.ts';
import { leaveSession } from '#sys/scope.ts';
import { ended, spawn } from '#sys/spawn.ts';

export interface ExecRequest {
  cmd: readonly string[];
  /** NAME=value. */
  env: readonly string[];
  /** user[:group]; absent: the container's. */
  user?: string;
  /** Absent: the container's. */
  workdir?: string;
  tty: boolean;
  detach: boolean;
  privileged: boolean;
  /** What the command takes part in; nothing when detached. */
  streams: Streams;
  /** A pipe's end that gets what it prints, in the place of our own output and errors. Without a terminal. */
  output?: number;
  /** Of the terminal: rows, columns. */
  size?: [number, number];
  /** So many of our descriptors from 3 on are the process's, too. */
  preserveFds?: number;
}

/** A process that was started, or why it was not. */
export type Exec =
  | {
      kind: 'started';
      id: string;
      /** 0 at once for a detached one. */
      exited: Promise<number>;
      resize(rows: number, columns: number): void;
      /** Leaves the process alone. */
      leave(): void;
    }
  | Refused;

/** Docker writes this to the exec's own output; what the kernel refuses runc tells on its errors. */
interface Refused {
  kind: 'refused';
  byKernel?: true;
  message: string;
  status: number;
}

/**
 * Starts a process in a running container. With a terminal onReady is called with the exec's id when its monitor
 * listens, and the process starts when a client has attached; without one the streams need no client.
 * Throws kind `not-found`; `conflict` when the container does not run; `not-found` for an unknown user.
 */
export async function execContainer(
  store: Store,
  name: string,
  request: ExecRequest,
  onReady: (id: string) => Promise<void>,
): Promise<Exec> {
  const record = findContainer(store, name);
  const state = running(store, record, name);
  const id = newId();
  // Docker's words: the command with its arguments behind one space, also where there are none.
  const [command = '', ...args] = request.cmd;
  for (const step of ['exec_create', 'exec_start']) {
    recordContainerEvent(store, record, `${step}: ${command} ${args.join(' ')}`, { execID: id });
  }
  const ours = hostFacts(store);
  const facts = { ...ours, userns: namespaceOf(record.extras?.maps, ours.userns) };
  if (request.preserveFds !== undefined) checkDescriptors(request.preserveFds);
  const user = request.user || record.config.User;
  const process = makeProcess(record, facts, {
    args: request.cmd,
    terminal: request.tty,
    ...(request.size === undefined ? {} : { size: request.size }),
    identity: resolveUser(rootfsPath(store, record.id), user, record.hostConfig.GroupAdd ?? []),
    cwd: request.workdir || record.config.WorkingDir,
    env: request.env,
    privileged: request.privileged,
  });
  if (request.privileged) delete process.apparmorProfile;
  const place = join(store.runtime, 'exec', id);
  const runtime = runtimeOf(store, record, { cgroupManager: facts.cgroup.manager, log: `${place}.log` });
  const attempt = {
    kind: 'exec',
    runtime: runtime.kind,
    command,
    directory: process.cwd,
  } as const;
  const hindrance = hindranceOf(state.pid, process);
  if (hindrance !== undefined && !hindrance.byKernel)
    return { kind: 'refused', ...execRefusal(hindrance.why, attempt) };
  // Of a detached one nobody hears.
  if (hindrance !== undefined && !request.detach)
    return { kind: 'refused', byKernel: true, message: hindrance.why, status: REFUSED };
  await leaveSession(store.host.uid);
  mkdirSync(join(store.runtime, 'exec'), { recursive: true, mode: 0o700 });
  const start: Start = { store, record, request, process, place, id, runtime, attempt };
  const mayHandOver = request.output !== undefined || mayHandOverAll(request.streams, user);
  const isDirect = !request.detach && !request.tty && mayHandOver;
  if (isDirect) return withRuntime(start);
  return withMonitor(start, onReady);
}

function running(store: Store, record: ContainerRecord, name: string): State {
  const state = readState(store, record.id);
  if (state?.status === 'running') return state;
  if (state?.status === 'paused') {
    throw new WherryError('conflict', `Container ${name} is paused, unpause the container before exec`);
  }
  if (state?.status === 'restarting') throw isRestarting(record.id);
  throw new WherryError('conflict', `container ${record.id} is not running`);
}

interface Start {
  store: Store;
  record: ContainerRecord;
  request: ExecRequest;
  process: Process;
  /** Where the exec's own files are, without what is behind the dot. */
  place: string;
  id: string;
  runtime: PlacedRuntime;
  attempt: Attempt;
}

const FILES = ['json', 'log', 'pid', 'conf'];

function removeFiles(place: string): void {
  for (const kind of FILES) rmSync(`${place}.${kind}`, { force: true });
}

/** The runtime in front: it ends as the process ends. */
async function withRuntime(start: Start): Promise<Exec> {
  const { store, record, request, process, place, id, runtime, attempt } = start;
  writeFileSync(`${place}.json`, JSON.stringify(process), { mode: 0o600 });
  const fds = request.preserveFds === undefined ? {} : { preserveFds: request.preserveFds };
  const [program = '', ...args] = runtime.exec({
    id: record.id,
    process: `${place}.json`,
    terminal: false,
    ...fds,
  });
  const { output } = request;
  const streams = output === undefined ? stdioOf(request.streams) : (['ignore', output, output] as const);
  const stdio = [...streams, ...extraDescriptors(request.preserveFds)];
  const status = await ended(spawn(program, args, { cwd: '/', session: true, env: runtime.env, stdio }));
  try {
    const said = status === 0 ? undefined : runtimesError(`${place}.log`);
    if (said !== undefined) return { kind: 'refused', ...execRefusal(said, attempt) };
  } finally {
    removeFiles(place);
  }
  recordContainerEvent(store, record, 'exec_die', { execID: id, exitCode: String(status) });
  return { kind: 'started', id, exited: Promise.resolve(status), resize: () => undefined, leave: () => undefined };
}

/** The last error in the runtime's log; undefined where it has none, so that the status is the process's own. */
function runtimesError(path: string): string | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
  const messages = text.matchAll(/"msg":\s*("(?:[^"\\]|\\.)*")/g);
  const last = [...messages].at(-1)?.[1];
  return last === undefined ? undefined : (JSON.parse(last) as string);
}

/**
 * A monitor that holds the terminal, or copies what may not be handed over, to and from a client. With a detached process
 * it stays alone, to tell of its end.
 */
async function withMonitor(start: Start, onReady: (id: string) => Promise<void>): Promise<Exec> {
  const { store, record, request, process, place, id, runtime, attempt } = start;
  const attach = directStreams(request.streams, { terminal: request.tty });
  const fds = request.preserveFds === undefined ? {} : { preserveFds: request.preserveFds };
  const talk = request.tty && !request.detach ? { onReady: () => onReady(id) } : {};
  mkdirSync(join(store.runtime, 's'), { recursive: true, mode: 0o700 });
  writeFileSync(`${place}.json`, JSON.stringify(process), { mode: 0o600 });
  writeSettings(`${place}.conf`, [
    ['mode', 'exec'],
    ['id', id],
    ['container-dir', store.path('containers', record.id)],
    ['boot-id', store.bootId],
    ['socket', socketPath(store, id)],
    ['terminal', request.tty ? 1 : 0],
    ['stdin', request.streams.stdin ? 1 : 0],
    ['stdin-once', 1],
    ...streamSettings({ attach, ...talk }, request.size ?? [0, 0]),
    ['pid-file', `${place}.pid`],
    ['runtime-log', `${place}.log`],
    ['console-flag', CONSOLE_FLAG],
    ...each(
      'runtime',
      runtime.exec({ id: record.id, process: `${place}.json`, pidFile: `${place}.pid`, terminal: request.tty, ...fds }),
    ),
    ['extra-files', request.preserveFds ?? 0],
    ['restart', 'no'],
    ['event-id', record.id],
    ...eventSettings(store, record.id),
  ]);
  let refused: Refused | undefined;
  const explain = (text: string) => {
    refused = { kind: 'refused', ...execRefusal(text, attempt) };
    return new WherryError('unavailable', text);
  };
  try {
    const monitor = await converse(spawnMonitor(`${place}.conf`, attach, runtime.env, request.preserveFds), {
      explain,
      ...talk,
    });
    if (request.detach) {
      monitor.stay();
      return { kind: 'started', id, exited: Promise.resolve(0), resize: monitor.resize, leave: () => undefined };
    }
    const exited = monitor.exited.then(({ status }) => {
      monitor.done();
      return status;
    });
    return { kind: 'started', id, exited, resize: monitor.resize, leave: monitor.stay };
  } catch (error) {
    if (refused !== undefined) return refused;
    throw error;
  } finally {
    removeFiles(place);
  }
}
