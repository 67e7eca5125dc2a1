/**
 * The names of containers, served by aardvark-dns: one process for all networks of the user, on each bridge's own
 * address; a second one for networks that lead nowhere, which asks nobody outside. Their files are written from the leases
 * under the lock on the folder of namespaces, and read again at SIGHUP.
 */
import { existsSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ipVersion } from '#base/address.ts';
import { upstreamServers } from '#network/files.ts';
import type { BridgeState, Known, Lease, NetworkState, Room } from '#network/leases.ts';
import { linksProgram, toolEnvironment, USER } from '#network/link.ts';
import type { Store } from '#store/store.ts';
import { makeDirectory, readText } from '#sys/file.ts';
import { findTool } from '#sys/host.ts';
import { isSameProcess, run, signalProcess, startTime } from '#sys/process.ts';

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
 * container: id, addresses, names, own servers. upstream: where names that are no container's are asked for.
 */
export function zonesOf({ bridges, leases }: NetworkState, upstream: readonly string[]): Zone {
  const zone: Zone = { all: new Map(), inner: new Map() };
  for (const [index, bridge] of bridges.entries()) {
    if (!bridge.hasNames) continue;
    const members = leases.filter(({ network }) => network === bridge.network);
    const linked = linkedNames(members);
    const lines = members.map((lease) => entryOf(lease, linked.get(lease.id) ?? []));
    const servers = upstream.length > 0 ? ` ${upstream.join(',')}` : '';
    const addresses = bridge.gateways.join(',');
    // Each file needs an address. The other server has the network's own.
    const nowhere = `127.53.${index >> 8}.${index & 255}`;
    zone.all.set(bridge.network, [`${bridge.isInternal ? nowhere : addresses}${servers}`, ...lines, ''].join('\n'));
    if (bridge.isInternal) zone.inner.set(bridge.network, [addresses, ...lines, ''].join('\n'));
  }
  return zone;
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
  const spoken = [...names, ...linked].filter((name) => !UNSPEAKABLE.test(name));
  // Docker's servers answer to the name with the network's behind it, too.
  const [name] = spoken;
  const all = name === undefined ? spoken : [...spoken, `${name}.${network}`];
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

/** Do the servers run that these bridges need? */
export function isServed({ bridges, dns, innerDns }: NetworkState): boolean {
  const named = bridges.filter(({ hasNames }) => hasNames);
  if (named.length === 0 || findNameServer() === undefined) return true;
  return isAlive(dns) && (!named.some(({ isInternal }) => isInternal) || isAlive(innerDns));
}

/**
 * Writes down who has which name, and tells the servers that run. Starts nothing: startServers() does.
 * Without aardvark-dns there are no names.
 */
export async function publishNames(store: Store, { state }: Room): Promise<void> {
  if (!state.bridges.some(({ hasNames }) => hasNames) || findNameServer() === undefined) return;
  const zone = zonesOf(state, upstreamServers());
  for (const [folder, files, known] of [
    ['dns', zone.all, state.dns],
    ['dns-inner', zone.inner, state.innerDns],
  ] as const) {
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
export async function startServers(store: Store, { folder, state }: Room): Promise<void> {
  const program = findNameServer();
  const named = state.bridges.filter(({ hasNames }) => hasNames);
  if (program === undefined || named.length === 0) return;
  const start = async (name: string, environment: NodeJS.ProcessEnv) => {
    const place = join(store.runtime, name);
    // It leaves for the background when its pid is written; it serves a moment later.
    const args = [`enter ./${USER}`, program, '--config', place, '--port', '53', 'run'];
    await run(linksProgram(), args, { cwd: folder, env: { ...toolEnvironment(), RUST_LOG: 'error', ...environment } });
    const pid = Number(readText(join(place, PID_FILE)));
    const begun = pid > 0 ? startTime(pid) : undefined;
    return begun === undefined ? undefined : { pid, start: begun };
  };
  const [all, inner] = await Promise.all([
    isAlive(state.dns) ? state.dns : start('dns', {}),
    !named.some(({ isInternal }) => isInternal) || isAlive(state.innerDns)
      ? state.innerDns
      : start('dns-inner', { AARDVARK_NO_PROXY: '1' }),
  ]);
  if (all !== undefined) state.dns = all;
  if (inner !== undefined) state.innerDns = inner;
}
