/**
 * The way from the user's network namespace to the world: one pasta, else one slirp4netns, a user. Either gives the
 * namespace an address of its own behind the host's sockets, so that containers reach what the host reaches and the
 * host's own addresses, but never its loopback.
 */
import { closeSync, openSync, readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { WherryError } from '#base/error.ts';
import { parseRoutes, type Route } from '#network/ipam.ts';
import { MTU, TAP, toolEnvironment, USER } from '#network/link.ts';
import { readText } from '#sys/file.ts';
import { findTool, needTool } from '#sys/host.ts';
import { run, startTime } from '#sys/process.ts';
import { socketPair, spawn } from '#sys/spawn.ts';

/**
 * The subnet between the namespace and pasta or slirp4netns. Link-local, so it hides no network of the host; far from
 * 169.254.169.254, which clouds use. slirp4netns fixes what the last numbers mean.
 */
const ADDRESS = '169.254.1.100';
const GATEWAY = '169.254.1.2';
const SUBNET = '169.254.1.0/24';

/** Queries to this address go to the host's own resolver, even one that listens on the host's loopback only. */
export const DNS_ADDRESS = '169.254.1.3';

/** The process that serves the tap; with its start time it can't be mistaken. */
export interface Outside {
  program: 'pasta' | 'slirp4netns';
  pid: number;
  start: number;
}

const DEVICE = '/dev/net/tun';
const INSTEAD = 'use --network none or --network host';

/**
 * Connects the user's namespace in this folder. Undefined where the host itself is connected to nothing: containers
 * still reach each other. Throws kind `unsupported` where neither program works or the tap device can't be opened.
 * @param root really root: pasta would become nobody, who can't open the namespace
 */
export async function startOutside(folder: string, { root }: { root: boolean }): Promise<Outside | undefined> {
  checkDevice();
  const routes = parseRoutes(readFileSync('/proc/net/route', 'latin1'));
  const complaints: string[] = [];
  for (const program of await installedPrograms()) {
    // A host without any route is no reason to complain: a laptop in a train, a test machine.
    if (program === 'pasta' && routes.length === 0) return undefined;
    const started = program === 'pasta' ? await startPasta(folder, routes, root) : await startSlirp(folder);
    if (typeof started !== 'string') return started;
    complaints.push(started);
  }
  const why = complaints.join('; ') || 'neither pasta nor slirp4netns is installed';
  throw new WherryError('unsupported', `Cannot connect containers to the outside: ${why}`, {
    hint: `Install pasta (Debian, Ubuntu: apt install passt), or ${INSTEAD}`,
    exitCode: 125,
  });
}

/**
 * The better one first. A pasta from before 2024 (Debian 12) repeats data for ever where both ends close at once, as
 * `echo | nc` does: then slirp4netns is the better one. Its version can't be asked for, so a later option is.
 */
async function installedPrograms(): Promise<Outside['program'][]> {
  const installed = (['pasta', 'slirp4netns'] as const).filter((program) => findTool(program) !== undefined);
  if (installed.length < 2) return installed;
  const { stdout, stderr } = await run('pasta', ['--help'], { env: toolEnvironment() });
  return `${stdout}${stderr}`.includes('--map-host-loopback') ? installed : installed.toReversed();
}

function checkDevice(): void {
  try {
    closeSync(openSync(DEVICE, 'r+'));
  } catch (cause) {
    const reasons: Record<string, string> = { ENOENT: 'it is not there', EACCES: 'permission denied' };
    const code = (cause as NodeJS.ErrnoException).code ?? '';
    const message = `Cannot connect containers to the outside: "${DEVICE}" can't be opened: ${reasons[code] ?? code}`;
    const hint = `Have root run: modprobe tun; chmod 0666 ${DEVICE} (or ${INSTEAD})`;
    throw new WherryError('unsupported', message, { hint, exitCode: 125, cause });
  }
}

/** pasta goes into the background by itself once the tap is up. @returns what it said when it did not start */
async function startPasta(folder: string, routes: readonly Route[], root: boolean): Promise<Outside | string> {
  const pidFile = join(folder, 'pasta.pid');
  const args = pastaArgs(join(folder, USER), pidFile, routes, root);
  const { status, stderr } = await run('pasta', args, { env: toolEnvironment() });
  const pid = Number(readText(pidFile));
  const start = status === 0 ? startTime(pid) : undefined;
  if (start !== undefined) return { program: 'pasta', pid, start };
  return `pasta: ${complaint(stderr) || `it ended with status ${status}`}`;
}

/** pasta(1). Without a default route it must be told which interface to look at; its sockets use any. */
export function pastaArgs(namespace: string, pidFile: string, routes: readonly Route[], root: boolean): string[] {
  const hasDefault = routes.some(({ subnet }) => subnet.prefix === 0);
  return [
    ['--config-net', '--quiet', '--ipv4-only', '--pid', pidFile],
    ['-t', 'none', '-u', 'none', '-T', 'none', '-U', 'none', '--no-map-gw', '--dns-forward', DNS_ADDRESS],
    ['-a', ADDRESS, '-n', '24', '-g', GATEWAY, '-m', `${MTU}`, '-I', TAP],
    hasDefault ? [] : ['-i', routes[0]?.interface ?? ''],
    root ? ['--runas', '0:0'] : [],
    ['--netns', namespace],
  ].flat();
}

/** slirp4netns(1) stays in the foreground and says on a descriptor that it is ready. */
async function startSlirp(folder: string): Promise<Outside | string> {
  const logPath = join(folder, 'slirp4netns.log');
  const log = openSync(logPath, 'w', 0o600);
  const args = ['--configure', `--mtu=${MTU}`, '--disable-host-loopback', `--cidr=${SUBNET}`, '--ready-fd=3'];
  args.push('--enable-sandbox', '--enable-seccomp', '--netns-type=path', join(folder, USER), TAP);
  const [ours, its] = socketPair();
  const ready = new Socket({ fd: ours });
  let pid: number;
  try {
    const stdio = ['ignore', log, log, its] as const;
    pid = spawn(needTool('slirp4netns', 'slirp4netns'), args, { stdio, session: true, env: toolEnvironment() });
  } finally {
    closeSync(log);
    closeSync(its);
  }
  const isReady = await new Promise<boolean>((resolve) => {
    ready.once('data', () => resolve(true));
    ready.once('close', () => resolve(false));
  });
  ready.destroy();
  const start = isReady ? startTime(pid) : undefined;
  if (start !== undefined) return { program: 'slirp4netns', pid, start };
  return `slirp4netns: ${complaint(readText(logPath) ?? '') || 'it ended before it was ready'}`;
}

/** What a program said last, without the noise of a machine that has no syslog. */
function complaint(text: string): string {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('Failed to send'));
  return lines.slice(-2).join(': ');
}
