/** The OCI runtime: which program it is here, and how it is called (the command line that crun, runc and youki share). */
import { accessSync, constants } from 'node:fs';
import { basename } from 'node:path';
import { hasCode, WherryError } from '#base/error.ts';
import { findTool } from '#sys/host.ts';

/** Who makes the containers' cgroups; disabled: nobody may. */
export type CgroupManager = 'systemd' | 'cgroupfs' | 'disabled';

export interface Runtime {
  /** Absolute. */
  path: string;
  /** By the program's name; anything else is called as runc is. */
  kind: 'crun' | 'runc' | 'youki' | 'other';
}

/** Tried in this order: crun starts a container in a fifth of runc's time. */
const DEFAULTS = ['crun', 'runc', 'youki'];

/** containerd's name for "the default": what some compose files and scripts pass on. */
const CONTAINERD = 'io.containerd.runc.v2';

/**
 * The runtime of this name or path; without one $WHERRY_RUNTIME, else the first of crun, runc and youki that is there.
 * Throws kind `invalid` in Docker's words for an unknown name, `unsupported` where none is installed.
 */
export function findRuntime(wanted = '', env: NodeJS.ProcessEnv = process.env): Runtime {
  const name = wanted === '' || wanted === CONTAINERD ? (env.WHERRY_RUNTIME ?? '') : wanted;
  if (name !== '') return named(name, env);
  for (const candidate of DEFAULTS) {
    const path = findTool(candidate, env);
    if (path !== undefined) return { path, kind: kindOf(path) };
  }
  throw new WherryError('unsupported', 'Cannot run containers: there is no OCI runtime (crun, runc or youki)', {
    hint: 'Install crun (Debian, Ubuntu: apt install crun)',
  });
}

function named(name: string, env: NodeJS.ProcessEnv): Runtime {
  const path = name.startsWith('/') ? executable(name) : name.includes('/') ? undefined : findTool(name, env);
  if (path !== undefined) return { path, kind: kindOf(path) };
  throw new WherryError('invalid', `unknown or invalid runtime name: ${name}`, {
    hint: 'Give the name of an installed OCI runtime (crun, runc, youki) or its absolute path',
  });
}

function executable(path: string): string | undefined {
  try {
    accessSync(path, constants.X_OK);
    return path;
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'EACCES')) return undefined;
    throw error;
  }
}

function kindOf(path: string): Runtime['kind'] {
  const name = basename(path);
  if (name.includes('crun')) return 'crun';
  if (name.includes('runc')) return 'runc';
  return name.includes('youki') ? 'youki' : 'other';
}

/** Where a runtime keeps its state, and how it reaches the cgroups. */
export interface RuntimePlace {
  /** The directory of its state (`--root`). */
  root: string;
  /** Its log, JSON lines. */
  log?: string;
  cgroupManager: CgroupManager;
}

interface RunCall {
  id: string;
  bundle: string;
  pidFile: string;
  /** The place of the console socket's flag is marked by CONSOLE. */
  terminal: boolean;
  /** So many of the runtime's descriptors from 3 on are the process's, too. */
  preserveFds?: number;
}

interface ExecCall {
  id: string;
  /** A file with the process in JSON. */
  process: string;
  /** The runtime leaves the process alone and notes its pid here; absent: it stays in front and ends as the process. */
  pidFile?: string;
  terminal: boolean;
  preserveFds?: number;
}

/** Stands in an argument list where the monitor puts CONSOLE_FLAG and the path of its socket. */
export const CONSOLE = '@console@';
export const CONSOLE_FLAG = '--console-socket';

/** Argument lists, the program first. */
export interface RuntimeCommand {
  run(call: RunCall): string[];
  /** The runtime stays in front: its streams are the process's, and it ends as the process does. */
  runInFront(call: Pick<RunCall, 'id' | 'bundle'>): string[];
  exec(call: ExecCall): string[];
  /** all: each process of the container. */
  kill(id: string, signal: string | number, options?: { all?: boolean }): string[];
  /** force: kills what still runs, and an absent container is fine. */
  delete(id: string, options?: { force?: boolean }): string[];
  state(id: string): string[];
  pause(id: string): string[];
  resume(id: string): string[];
  /** resources: a file with what is to change, as linux.resources of a bundle. */
  update(id: string, resources: string): string[];
}

/** How this runtime is called with its state at this place. */
export function runtimeCommand(runtime: Runtime, place: RuntimePlace): RuntimeCommand {
  const base = [runtime.path, ...globalFlags(runtime, place)];
  // A delete writes no log: nobody reads it, and by then the container's directory may be gone.
  const { log: _log, ...quiet } = place;
  const detached = ({ pidFile, terminal }: { pidFile: string; terminal: boolean }) => [
    '--detach',
    '--pid-file',
    pidFile,
    ...(terminal ? [CONSOLE] : []),
  ];
  return {
    run: (call) => [...base, 'run', ...preserved(call), ...detached(call), '--bundle', call.bundle, call.id],
    runInFront: ({ id, bundle }) => [...base, 'run', '--bundle', bundle, id],
    exec: ({ id, process, pidFile, terminal, preserveFds }) => [
      ...base,
      'exec',
      ...preserved({ preserveFds }),
      ...(pidFile === undefined ? [] : detached({ pidFile, terminal })),
      '--process',
      process,
      id,
    ],
    kill: (id, signal, { all = false } = {}) => [...base, 'kill', ...(all ? ['--all'] : []), id, String(signal)],
    delete: (id, { force = true } = {}) => [
      runtime.path,
      ...globalFlags(runtime, quiet),
      'delete',
      ...(force ? ['--force'] : []),
      id,
    ],
    state: (id) => [...base, 'state', id],
    pause: (id) => [...base, 'pause', id],
    resume: (id) => [...base, 'resume', id],
    update: (id, resources) => [...base, 'update', '--resources', resources, id],
  };
}

const preserved = ({ preserveFds = 0 }: { preserveFds?: number | undefined }) =>
  preserveFds === 0 ? [] : ['--preserve-fds', String(preserveFds)];

function globalFlags({ kind }: Runtime, { root, log, cgroupManager }: RuntimePlace): string[] {
  const flags = ['--root', root];
  if (log !== undefined) flags.push('--log', log, '--log-format', 'json');
  if (kind === 'crun') flags.push(`--cgroup-manager=${cgroupManager}`);
  // The others do without cgroups by themselves when the bundle names none.
  else if (cgroupManager === 'systemd') flags.push('--systemd-cgroup');
  return flags;
}
