/**
 * The way from the user's network namespace to the world: one pasta, else one slirp4netns, a user. Either gives the
 * namespace an address of its own behind the host's sockets, so that containers reach what the host reaches and the
 * host's own addresses, but never its loopback.
 */
import { closeSync, openSync, readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { WherryError } from '#base/error.ts';
import { overlaps, parseRoutes, parseRoutes6, parseSubnet, type Route } from '#network/ipam.ts';
import type { Known } from '#network/leases.ts';
import { MTU, toolEnvironment, USER } from '#network/link.ts';
import { TAP } from '#network/rules.ts';
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

/** The same of IPv6: a unique local one, and pasta's side of the link. */
const ADDRESS_6 = 'fd77:6865:7272:79::100';
const GATEWAY_6 = 'fe80::2';

/** What slirp4netns gives where it is to serve IPv6. */
const SLIRP_SUBNET_6 = 'fd00::/64';

/** The process that serves the tap. */
export interface Outside extends Known {
  program: 'pasta' | 'slirp4netns';
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
  const routes = hostRoutes();
  const complaints: string[] = [];
  for (const program of await installedPrograms()) {
    // A host without any route is no reason to complain: a laptop in a train, a test machine.
    if (program === 'pasta' && routes.length === 0) return undefined;
    const started = program === 'pasta' ? await startPasta(folder, pastaPlan(folder, root)) : await startSlirp(folder);
    if (typeof started !== 'string') return started;
    complaints.push(started);
  }
  const why = complaints.join('; ') || 'neither pasta nor slirp4netns is installed';
  throw new WherryError('unsupported', `Cannot connect containers to the outside: ${why}`, {
    hint: `Install pasta (Debian, Ubuntu: apt install passt), or ${INSTEAD}`,
    exitCode: 125,
  });
}

const hostRoutes = () => parseRoutes(readFileSync('/proc/net/route', 'latin1'));

/**
 * The better one first. A pasta from before 2024 (Debian 12) repeats data for ever where both ends close at once, as
 * `echo | nc` does: then slirp4netns is the better one. Its version can't be asked for, so a later option is.
 */
async function installedPrograms(): Promise<Outside['program'][]> {
  const installed = (['pasta', 'slirp4netns'] as const).filter((program) => findTool(program) !== undefined);
  if (installed.length < 2) return installed;
  return (await isRecentPasta()) ? installed : installed.toReversed();
}

export async function isRecentPasta(): Promise<boolean> {
  const { stdout, stderr } = await run('pasta', ['--help'], { env: toolEnvironment() });
  return `${stdout}${stderr}`.includes('--map-host-loopback');
}

export function checkDevice(): void {
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
async function startPasta(folder: string, args: readonly string[]): Promise<Outside | string> {
  const started = await runPasta(join(folder, 'pasta.pid'), args);
  return typeof started === 'string' ? started : { program: 'pasta', ...started };
}

/** Starts a pasta with these arguments, besides the one for its pid file. @returns what it said when it did not start */
export async function runPasta(pidFile: string, args: readonly string[]): Promise<Known | string> {
  const all = ['--quiet', '--pid', pidFile, ...args];
  const { status, stderr } = await run('pasta', all, { env: toolEnvironment() });
  const pid = Number(readText(pidFile));
  const start = status === 0 ? startTime(pid) : undefined;
  if (start !== undefined) return { pid, start };
  return `pasta: ${complaint(stderr) || `it ended with status ${status}`}`;
}

/** Has the host a way out by IPv6? */
function leadsOut6(): boolean {
  return parseRoutes6(readText('/proc/net/ipv6_route') ?? '').some(({ subnet }) => subnet.prefix === 0);
}

function pastaPlan(folder: string, root: boolean): string[] {
  return pastaArgs(join(folder, USER), { routes: hostRoutes(), hasV6: leadsOut6(), root });
}

/** What a pasta does without being asked: nothing is listened to, and the host's loopback is not to be had. */
const CLOSED = ['-t', 'none', '-u', 'none', '-T', 'none', '-U', 'none', '--no-map-gw'];

/**
 * pasta(1). Without a default route it must be told which interface to look at; its sockets use any.
 * root: see startOutside().
 */
export function pastaArgs(
  namespace: string,
  { routes, hasV6, root }: { routes: readonly Route[]; hasV6: boolean; root: boolean },
): string[] {
  const hasDefault = routes.some(({ subnet }) => subnet.prefix === 0);
  return [
    ['--config-net', ...CLOSED, '--dns-forward', DNS_ADDRESS],
    ['-a', ADDRESS, '-n', '24', '-g', GATEWAY, '-m', `${MTU}`, '-I', TAP],
    hasV6 ? ['-a', ADDRESS_6, '-g', GATEWAY_6] : ['--ipv4-only'],
    hasDefault ? [] : ['-i', routes[0]?.interface ?? ''],
    root ? ['--runas', '0:0'] : [],
    ['--netns', namespace],
  ].flat();
}

async function startSlirp(folder: string): Promise<Outside | string> {
  const args = [`--mtu=${MTU}`, '--disable-host-loopback', `--cidr=${SUBNET}`];
  // Its IPv6 subnet can't be chosen: where the host has it, the host is what containers want to reach.
  const taken = parseRoutes6(readText('/proc/net/ipv6_route') ?? '').some(
    ({ subnet }) => subnet.prefix > 0 && overlaps(subnet, parseSubnet(SLIRP_SUBNET_6)),
  );
  const hasV6 = leadsOut6() && !taken;
  if (hasV6) args.push('--enable-ipv6');
  const started = await runSlirp(join(folder, 'slirp4netns.log'), [...args, ...slirpPlace(join(folder, USER))]);
  if (typeof started === 'string') return started;
  if (hasV6) await addSlirpAddress(folder);
  return { program: 'slirp4netns', ...started };
}

/** slirp4netns leaves IPv6 to its router's advertisements, which a namespace that forwards does not listen to. */
async function addSlirpAddress(folder: string): Promise<void> {
  const input = `addr add fd00::100/64 dev ${TAP} nodad\nroute add default via fd00::2 dev ${TAP}\n`;
  await run('nsenter', [`--net=./${USER}`, 'ip', '-batch', '-'], { cwd: folder, input, env: toolEnvironment() });
}

/** The namespace, and what the interface in it is called. */
export const slirpPlace = (namespace: string): string[] => ['--netns-type=path', namespace, TAP];

/**
 * Starts a slirp4netns(1), which stays in the foreground and says on a descriptor that it is ready.
 * @returns what it said when it did not start
 */
export async function runSlirp(logPath: string, own: readonly string[]): Promise<Known | string> {
  const log = openSync(logPath, 'w', 0o600);
  const args = ['--configure', '--ready-fd=3', '--enable-sandbox', '--enable-seccomp', ...own];
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
  if (start !== undefined) return { pid, start };
  return `slirp4netns: ${complaint(readText(logPath) ?? '') || 'it ended before it was ready'}`;
}

/** What a program said last, without the noise of a machine that has no syslog. */
function complaint(text: string): string {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('Failed to send'));
  const usage = lines.findIndex((line) => line.startsWith('Usage:'));
  // An option that it does not know stands above all that it knows.
  const said = usage > 0 ? lines.slice(0, usage) : lines;
  return said
    .slice(-2)
    .map((line) => line.replace(/^(pasta|slirp4netns): /, ''))
    .join(': ');
}
