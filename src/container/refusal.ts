/** Why a container's process could not be started: the runtime's words, said as Docker says them. Pure. */
import { WherryError } from '#base/error.ts';

/** What was to be started. */
export interface Attempt {
  /** A container's first process, or one more. */
  kind: 'run' | 'exec';
  /** crun, runc …: stands in Docker's sentence. */
  runtime: string;
  /** The first word of the command. */
  command: string;
  /** The working directory. */
  directory: string;
  /** Is the command a directory? Then runc says so, where others say only that they may not execute it. */
  isDirectory?: boolean;
}

/** Each: what a runtime says, and Docker's words for it. */
const WORDS: [RegExp, (attempt: Attempt, match: RegExpExecArray) => string][] = [
  [/^executable file [`'"](.*)[`'"] not found(?: in \$PATH)?/, (_attempt, match) => notFound(match[1] ?? '')],
  [
    /^(?:open executable|open [`'"].*[`'"]|exec(?:ve)?(?: [`'"].*[`'"])?): (?:Operation not permitted|Is a directory)/i,
    ({ command }) => `exec: "${command}": is a directory: permission denied`,
  ],
  [
    /^(?:open executable|open [`'"].*[`'"]|exec(?:ve)?(?: [`'"].*[`'"])?): Permission denied/i,
    ({ command, isDirectory }) => `exec: "${command}": ${isDirectory ? 'is a directory: ' : ''}permission denied`,
  ],
  [
    /^exec: "(.*)": permission denied$/,
    ({ isDirectory }, match) => `exec: "${match[1]}": ${isDirectory ? 'is a directory: ' : ''}permission denied`,
  ],
  [/^(?:exec(?:ve)?|open executable)[^:]*: Exec format error/i, ({ command }) => `exec ${command}: exec format error`],
  [/^(?:exec(?:ve)?|open executable)[^:]*: No such file or directory/i, ({ command }) => notFound(command)],
  [
    /^chdir(?: to)? [`'"](.*)[`'"]: (.*)/,
    (_attempt, match) => `chdir to cwd ("${match[1]}") set in config.json failed: ${(match[2] ?? '').toLowerCase()}`,
  ],
  [
    /^mount [`'"](.*)[`'"] to [`'"](.*)[`'"]: (.*)/,
    (_attempt, match) => mountFailed(match[1] ?? '', match[2] ?? '', match[3] ?? ''),
  ],
  [
    /^mkdir [`'"](.*)[`'"]: (.*)/,
    (_attempt, match) =>
      `create mountpoint for ${match[1]} mount: make mountpoint "${match[1]}": ${(match[2] ?? '').toLowerCase()}`,
  ],
];

/** What runc adds where a directory meets a file. */
const MISMATCH =
  'Are you trying to mount a directory onto a file (or vice-versa)? Check if the specified host path exists and is the expected type';

/** What crun says where a mount's ids can't be mapped. */
const NO_IDMAP = 'Only who has mounted a file system may map its ids: use U or --userns=keep-id instead of idmap';

function mountFailed(source: string, target: string, why: string): string {
  const words = why.toLowerCase();
  const at = `error mounting "${source}" to rootfs at "/${target.replace(/^\//, '')}": ${words}`;
  return words === 'not a directory' ? `${at}: ${MISMATCH}` : at;
}

function notFound(command: string): string {
  return command.includes('/')
    ? `exec: "${command}": stat ${command}: no such file or directory`
    : `exec: "${command}": executable file not found in $PATH`;
}

/** How the monitor begins what it read in the runtime's log; what begins otherwise is its own. */
const RUNTIME = /^OCI runtime (?:create|exec) failed: (?:(?:create|exec) failed: )?/;

/** Docker's words for what the runtime said; without the prefixes that each layer of Docker adds. */
export function inDockersWords(text: string, attempt: Attempt): string {
  const bare = text
    .trim()
    .replace(RUNTIME, '')
    .replace(/^\w+ (?:run|create|exec) failed: /, '')
    .replace(/^(?:exec failed: )?unable to start container process: /, '')
    .replace(/^error during container init: /, '');
  for (const [pattern, say] of WORDS) {
    const match = pattern.exec(bare);
    if (match !== null) return say(attempt, match);
  }
  return bare;
}

/** Docker's CLI reads its exit status out of the message, and so do we. */
function statusOf(message: string): 125 | 126 | 127 {
  if (/executable file not found|no such file or directory/i.test(message)) return 127;
  return /permission denied|is a directory/i.test(message) ? 126 : 125;
}

const KINDS = { 125: 'unavailable', 126: 'denied', 127: 'not-found' } as const;

/** The error for a container that was not started, from what the monitor says of it. */
export function startRefusal(text: string, attempt: Attempt): WherryError {
  if (!RUNTIME.test(text)) return new WherryError('unavailable', text, { exitCode: 125 });
  const reason = inDockersWords(text, attempt);
  const exitCode = statusOf(reason);
  return new WherryError(
    KINDS[exitCode],
    `failed to create task for container: failed to create shim task: OCI runtime create failed: ${attempt.runtime} create failed: unable to start container process: error during container init: ${reason}`,
    { exitCode, ...(/^mount_setattr /.test(reason) ? { hint: NO_IDMAP } : {}) },
  );
}

/** What Docker writes to the output of an exec that the runtime did not start, and its exit status: 126, 127, else 128. */
export function execRefusal(text: string, attempt: Attempt): { message: string; status: number } {
  const reason = inDockersWords(text, attempt);
  const code = statusOf(reason);
  // What runc finds wrong before it starts anything.
  const before = reason.startsWith('Cwd ') ? '' : 'unable to start container process: ';
  return { message: `OCI runtime exec failed: exec failed: ${before}${reason}`, status: code === 125 ? 128 : code };
}

/** The status of a process whose program the kernel refused, as runc has it. */
export const REFUSED = 255;

/**
 * The first that a process wrote to its standard error may be crun's word, a JSON object, that the kernel refused the program
 * (one for another processor, a script without its interpreter): that in runc's words, or undefined. The monitor does
 * the same for containers (native/monitor/fault.c).
 */
export function refusedByKernel(said: string): string | undefined {
  if (!said.startsWith('{')) return undefined;
  const [, name, why = ''] = /"msg": ?"exec container process [^`]*`(.*)`: (.*?)"/.exec(said) ?? [];
  return name === undefined ? undefined : `exec ${name}: ${why.charAt(0).toLowerCase()}${why.slice(1)}`;
}

/** The error for a port that could not be bound: `tcp 0.0.0.0 80 EADDRINUSE`. */
export function portRefusal(text: string, container: { id: string; name: string }): WherryError {
  const [protocol = '', address = '', port = '', code = ''] = text.split(' ');
  const where = `${address.includes(':') ? `[${address}]` : address}:${port}/${protocol}`;
  const about = `failed to set up container networking: driver failed programming external connectivity on endpoint ${container.name} (${container.id}): failed to bind host port ${where}`;
  if (code === 'EACCES') {
    return new WherryError('denied', `${about}: permission denied`, {
      hint: `Publish a port from 1024 on, or have root set net.ipv4.ip_unprivileged_port_start=${port}`,
      exitCode: 125,
    });
  }
  const reason = PORT_ERRORS[code] ?? code;
  return new WherryError('unavailable', `${about}: ${reason}`, { exitCode: 125 });
}

const PORT_ERRORS: Record<string, string> = {
  EADDRINUSE: 'address already in use',
  EADDRNOTAVAIL: 'cannot assign requested address',
  EMFILE: 'too many open files',
  EAFNOSUPPORT: 'address family not supported by protocol',
};
