/**
 * The names of containers, served by aardvark-dns: one process for all networks of the user, on each bridge's own
 * address; a second one for networks that lead nowhere, which asks nobody outside. Where a name leads to several containers
 * there are further ones of each, with the same names in other orders. Their files are written from the leases under the lock
 * on the folder of namespaces, and read again at SIGHUP.
 */
import { existsSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ipVersion } from '#base/address.ts';
import { WherryError } from '#base/error.ts';
import { upstreamServers } from '#network/files.ts';
import type { BridgeState, Known, Lease, NetworkState, Room } from '#network/leases.ts';
import { linksProgram, setRules, toolEnvironment, USER } from '#network/link.ts';
import { turnRules } from '#network/rules.ts';
import type { Store } from '#store/store.ts';
import { makeDirectory, readText } from '#sys/file.ts';
import { findTool } from '#sys/host.ts';
import { commandLine, isSameProcess, run, signalProcess, startTime } from '#sys/process.ts';

/** Where podman's packages put it: no directory for people's commands. */
const PLACES = ['/usr/lib/podman', '/usr/libexec/podman', '/usr/local/lib/podman', '/usr/local/libexec/podman'];

/** The path of aardvark-dns; undefined where it is not installed. */
export function findNameServer(): string | undefined {
  return (
    PLACES.map((place) => join(place, 'aardvark-dns')).find((path) => existsSync(path)) ?? findTool('aardvark-dns')
  );
}

/** What the server keeps: a file a network. Pure. */
interface Zone {
  /** For all networks; those that lead nowhere are in it for containers that are on others, too. */
  all: Map<string, string>;
  /** For networks that lead nowhere. */
  inner: Map<string, string>;
}

/**
 * The files (aardvark-dns, config.md): the addresses to listen at and the servers for other names, then a line a
 * container: id, addresses, names, own servers. upstream: where names that are no container's are asked for. turn: which of
 * those that share a name comes first, as the addresses of a name are answered in the order of the lines.
 */
export function zonesOf({ bridges, leases }: NetworkState, upstream: readonly string[], turn = 0): Zone {
  const zone: Zone = { all: new Map(), inner: new Map() };
  for (const [index, bridge] of bridges.entries()) {
    if (!bridge.hasNames) continue;
    const members = leases.filter(({ network }) => network === bridge.network);
    const linked = linkedNames(members);
    const lines = inTurn(members, turn).map((lease) => entryOf(lease, linked.get(lease.id) ?? []));
    const servers = upstream.length > 0 ? ` ${upstream.join(',')}` : '';
    const addresses = bridge.gateways.join(',');
    // Each file needs an address. The other server has the network's own.
    const nowhere = `127.53.${index >> 8}.${index & 255}`;
    zone.all.set(bridge.network, [`${bridge.isInternal ? nowhere : addresses}${servers}`, ...lines, ''].join('\n'));
    if (bridge.isInternal) zone.inner.set(bridge.network, [addresses, ...lines, ''].join('\n'));
  }
  return zone;
}

/** Who has each name. */
function owners(members: readonly Lease[]): Map<string, Lease[]> {
  const found = new Map<string, Lease[]>();
  for (const lease of members) for (const name of lease.names) found.set(name, [...(found.get(name) ?? []), lease]);
  return found;
}

/** The members so that another one than before leads among those that share a name; a member's largest group counts. */
function inTurn(members: readonly Lease[], turn: number): readonly Lease[] {
  if (turn === 0) return members;
  const groups = owners(members);
  const place = (lease: Lease) => {
    const group = lease.names
      .map((name) => groups.get(name) ?? [])
      .reduce((largest, one) => (one.length > largest.length ? one : largest), []);
    return group.length === 0 ? 0 : (group.indexOf(lease) - (turn % group.length) + group.length) % group.length;
  };
  return members.toSorted((one, other) => place(one) - place(other));
}

/** Has any name several owners on one network? */
function isShared({ bridges, leases }: NetworkState): boolean {
  return bridges.some(({ hasNames, network }) => {
    if (!hasNames) return false;
    const names = leases.filter((lease) => lease.network === network).flatMap((lease) => lease.names);
    return new Set(names).size < names.length;
  });
}

/**
 * Aliases of --link, by the container that they mean. The server knows no asker, so what is one container's alias is a name
 * for all, unless somebody is called so or it means several; the hosts file of the linked one has it in any case.
 */
function linkedNames(members: readonly Lease[]): Map<string, string[]> {
  const meant = new Map<string, Set<string>>();
  for (const { target, alias } of members.flatMap(({ links }) => links)) {
    const other = members.find((lease) => isMeant(lease, target));
    if (other !== undefined) meant.set(alias, (meant.get(alias) ?? new Set()).add(other.id));
  }
  const linked = new Map<string, string[]>();
  for (const [alias, ids] of meant) {
    const [id = ''] = ids;
    if (ids.size > 1 || members.some(({ names }) => names.includes(alias))) continue;
    linked.set(id, [...(linked.get(id) ?? []), alias]);
  }
  return linked;
}

/** Is this the container that a link names, by its name or the beginning of its id? */
export function isMeant({ id, names }: Pick<Lease, 'id' | 'names'>, target: string): boolean {
  return names[0] === target || (/^[0-9a-f]{2,64}$/.test(target) && id.startsWith(target));
}

/** What can't be in a line: it stands for itself in a hosts file, or nobody could ask for it. */
const UNSPEAKABLE = /[\s,]/;

function entryOf({ id, network, address = '', address6 = '', names, dns }: Lease, linked: readonly string[]): string {
  const spoken = names.filter((name) => !UNSPEAKABLE.test(name));
  // As Docker's servers: each name also with the network's behind it, and so the first one is what an address is called.
  const [first = [], ...full] = spoken.map((name) => `${name}.${network}`);
  const all = [first, ...spoken, ...linked.filter((name) => !UNSPEAKABLE.test(name)), ...full].flat();
  const servers = dns.filter((server) => ipVersion(server) !== 0);
  return [id, address, address6, all.join(','), ...(servers.length > 0 ? [servers.join(',')] : [])].join(' ');
}

/** The nameservers of a container's resolv.conf: its networks' gateways; of those that lead out, if there are such. */
export function nameServersOf(bridges: readonly BridgeState[]): string[] {
  const named = bridges.filter(({ hasNames }) => hasNames);
  const leading = named.filter(({ isInternal }) => !isInternal);
  return (leading.length > 0 ? leading : named).flatMap(({ gateways }) => gateways);
}

const isAlive = (known: Known | undefined): boolean => known !== undefined && isSameProcess(known.pid, known.start);

/** A server with a folder of files below the runtime directory. */
interface Server {
  folder: string;
  port: number;
  /** It knows what leads nowhere, and asks nobody. */
  isInner: boolean;
  turn: number;
}

/** In how many orders names are answered that lead to several containers: aardvark-dns knows but one. */
const TURNS = 3;

/** The port of a server whose turn it is; queries come to the first one's. */
const portOf = (turn: number): number => (turn === 0 ? 53 : 5300 + turn);

/** The servers that these bridges need. Who has shared names once keeps them in turns. */
function neededServers(state: NetworkState): Server[] {
  const named = state.bridges.filter(({ hasNames }) => hasNames);
  if (named.length === 0) return [];
  const turns = state.turns !== undefined || isShared(state) ? TURNS : 1;
  const kinds = named.some(({ isInternal }) => isInternal) ? ['dns', 'dns-inner'] : ['dns'];
  return kinds.flatMap((kind) =>
    Array.from({ length: turns }, (_, turn) => ({
      folder: turn === 0 ? kind : `${kind}-${turn}`,
      port: portOf(turn),
      isInner: kind === 'dns-inner',
      turn,
    })),
  );
}

/** Do the servers run that these bridges need? */
export function isServed(state: NetworkState): boolean {
  const needed = neededServers(state);
  if (needed.length === 0 || findNameServer() === undefined) return true;
  return needed.every(({ folder }) => isAlive(state.servers?.[folder])) && !needsTurns(state, needed);
}

function needsTurns({ turns, bridges }: NetworkState, needed: readonly Server[]): boolean {
  if (!needed.some(({ turn }) => turn > 0) || turns === 'impossible') return false;
  return turns === undefined || (turns === 'ip' && bridges.some(({ hasNames, hasV6 }) => hasNames && hasV6));
}

/**
 * Writes down who has which name, and tells the servers that run. Starts nothing: startServers() does.
 * Without aardvark-dns there are no names.
 */
export async function publishNames(store: Store, { state }: Room): Promise<void> {
  const needed = neededServers(state);
  if (needed.length === 0 || findNameServer() === undefined) return;
  const upstream = upstreamServers();
  const zones = Array.from({ length: TURNS }, () => undefined as Zone | undefined);
  for (const { folder, isInner, turn } of needed) {
    zones[turn] ??= zonesOf(state, upstream, turn);
    const files = zones[turn][isInner ? 'inner' : 'all'];
    const known = state.servers?.[folder];
    const changed = writeZone(store, join(store.runtime, folder), files);
    if (changed && known !== undefined) await signalProcess(known.pid, known.start, SIGHUP);
  }
}

const SIGHUP = 1;

/** The server's own file in its folder. */
const PID_FILE = 'aardvark.pid';

/** False when all is as it was. Staged outside: the server reads every file of its folder. */
function writeZone(store: Store, folder: string, files: ReadonlyMap<string, string>): boolean {
  if (files.size === 0 && !existsSync(folder)) return false;
  makeDirectory(folder);
  let changed = false;
  for (const name of readdirSync(folder)) {
    if (name === PID_FILE || files.has(name)) continue;
    rmSync(join(folder, name), { force: true });
    changed = true;
  }
  for (const [name, content] of files) {
    if (readText(join(folder, name)) === content) continue;
    const staged = join(store.runtime, 'dns.tmp');
    writeFileSync(staged, content, { mode: 0o600 });
    renameSync(staged, join(folder, name));
    changed = true;
  }
  return changed;
}

/** Starts the servers that are needed and do not run. The bridges have their addresses, and the names are published. */
export async function startServers(store: Store, { folder: cwd, state }: Room): Promise<void> {
  const program = findNameServer();
  const needed = neededServers(state);
  if (program === undefined || needed.length === 0) return;
  const servers: Record<string, Known> = state.servers ?? {};
  state.servers = servers;
  const start = async ({ folder, port, isInner }: Server) => {
    if (isAlive(servers[folder])) return;
    const place = join(store.runtime, folder);
    const found = await findUnnoted(place);
    if (found !== undefined) {
      servers[folder] = found;
      return;
    }
    // It leaves for the background when its pid is written; it serves a moment later.
    const args = [`enter ./${USER}`, program, '--config', place, '--port', `${port}`, 'run'];
    const env = { ...toolEnvironment(), RUST_LOG: 'error', ...(isInner ? { AARDVARK_NO_PROXY: '1' } : {}) };
    await run(linksProgram(), args, { cwd, env });
    const pid = Number(readText(join(place, PID_FILE)));
    const begun = pid > 0 ? startTime(pid) : undefined;
    if (begun !== undefined) servers[folder] = { pid, start: begun };
  };
  await Promise.all(needed.map(start));
  if (needsTurns(state, needed)) await takeTurns(cwd, state);
}

/**
 * A server that a command has started which was killed before it could note it: another one would find its port taken.
 * It reads its files anew.
 */
async function findUnnoted(place: string): Promise<Known | undefined> {
  const pid = Number(readText(join(place, PID_FILE)));
  const start = pid > 0 ? startTime(pid) : undefined;
  if (start === undefined || !commandLine(pid).includes(place)) return undefined;
  return (await signalProcess(pid, start, SIGHUP)) ? { pid, start } : undefined;
}

/** From now on each query comes to one of the servers by chance. A kernel that can't do that has the names all the same. */
async function takeTurns(folder: string, state: NetworkState): Promise<void> {
  const hasV6 = state.bridges.some((bridge) => bridge.hasNames && bridge.hasV6);
  const ports = Array.from({ length: TURNS }, (_, turn) => portOf(turn));
  try {
    await setRules(folder, turnRules(ports, hasV6), 'Cannot let servers of names take turns');
    state.turns = hasV6 ? 'both' : 'ip';
  } catch (error) {
    if (!(error instanceof WherryError)) throw error;
    state.turns = 'impossible';
  }
}
