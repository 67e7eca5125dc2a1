/** Published ports: -p and --expose as Docker's command line reads them, free ports chosen, the monitor's lines. */
import { existsSync, readFileSync } from 'node:fs';
import { ipVersion } from '#base/address.ts';
import type { PortBinding, PortMap } from '#base/api.ts';
import { WherryError } from '#base/error.ts';

/** One container port and where it is to be published. `HostIp` '' = all addresses; `HostPort` '' = any free one. */
export interface PublishedPort {
  /** `80/tcp` */
  port: string;
  binding: PortBinding;
}

const invalid = (message: string) => new WherryError('invalid', message);

/**
 * Reads one -p: `80`, `8080:80/udp`, `127.0.0.1::80`, `[::1]:80:80`, `8000-8002:80-82`, `8000-8009:80` (one free port of
 * these), or `target=80,published=8080,protocol=tcp`. Throws kind `invalid` in the words of Docker 28.5 (go-connections,
 * nat.ParsePortSpec); kind `unsupported` for sctp.
 */
export function parsePublish(text: string): PublishedPort[] {
  const spec = text.includes('=') ? standardNotation(text) : text;
  const parts = spec.split(':');
  const { protocol, ports } = splitProtocol(parts.at(-1) ?? '');
  const hostPort = parts.at(-2) ?? '';
  const address = hostAddress(parts.slice(0, -2).join(':'));
  if (ports === '') throw invalid(`No port specified: ${spec}<empty>`);
  const inside = portRange(ports);
  if (inside === undefined) throw invalid(`Invalid containerPort: ${ports}`);
  const outside = hostPort === '' ? undefined : portRange(hostPort);
  if (hostPort !== '' && outside === undefined) throw invalid(`Invalid hostPort: ${hostPort}`);
  if (outside !== undefined && length(inside) > 1 && length(inside) !== length(outside)) {
    throw invalid(`Invalid ranges specified for container and host Ports: ${ports} and ${hostPort}`);
  }
  checkProtocol(protocol, spec);
  return Array.from({ length: length(inside) }, (_, index) => ({
    port: `${inside.first + index}/${protocol.toLowerCase()}`,
    binding: { HostIp: address, HostPort: hostPortText(outside, inside, index) },
  }));
}

/** All -p of a command line, as HostConfig's and Config's maps have them. */
export function publishMaps(texts: readonly string[]): { bindings: PortMap; exposed: Record<string, object> } {
  const bindings: PortMap = {};
  const exposed: Record<string, object> = {};
  for (const { port, binding } of texts.flatMap(parsePublish)) {
    bindings[port] = [...(bindings[port] ?? []), binding];
    exposed[port] = {};
  }
  return { bindings, exposed };
}

/** Reads one --expose: `80`, `80-90/udp`. Throws kind `invalid` in Docker's words. */
export function parseExpose(text: string): string[] {
  if (text.includes(':')) throw invalid(`invalid port format for --expose: ${text}`);
  const { protocol, ports } = splitProtocol(text);
  const fail = (why: string) => invalid(`invalid range format for --expose: ${text}, error: ${why}`);
  if (ports === '') throw fail('Empty string specified for ports.');
  for (const number of ports.split('-').slice(0, 2)) {
    if (!/^\d+$/.test(number)) throw fail(`strconv.ParseUint: parsing "${number}": invalid syntax`);
    if (Number(number) > 65535) throw fail(`strconv.ParseUint: parsing "${number}": value out of range`);
  }
  const range = portRange(ports);
  if (range === undefined) throw fail(`Invalid range specified for the Port: ${ports}`);
  return Array.from({ length: length(range) }, (_, index) => `${range.first + index}/${protocol}`);
}

/** The long form of -p becomes the short one; unknown keys say nothing, as with Docker. */
function standardNotation(text: string): string {
  const values: Record<string, string> = { protocol: 'tcp', published: '', target: '' };
  for (const pair of text.split(',')) {
    const equals = pair.indexOf('=');
    if (equals < 1) throw invalid(`invalid publish opts format (should be name=value but got '${pair}')`);
    values[pair.slice(0, equals)] = pair.slice(equals + 1);
  }
  return `${values.published}:${values.target}/${values.protocol}`;
}

function splitProtocol(text: string): { protocol: string; ports: string } {
  const [ports = '', protocol = ''] = text.split('/');
  return { protocol: protocol || 'tcp', ports };
}

function checkProtocol(protocol: string, spec: string): void {
  const name = protocol.toLowerCase();
  if (name === 'sctp') {
    throw new WherryError('unsupported', `Cannot publish "${spec}": sctp ports can't be forwarded without root`, {
      hint: 'Publish tcp or udp, or use --network host',
    });
  }
  if (name !== 'tcp' && name !== 'udp') throw invalid(`Invalid proto: ${protocol}`);
}

/** Go's net.SplitHostPort and net.ParseIP, with their complaints. */
function hostAddress(text: string): string {
  if (text === '') return '';
  const complain = (why: string) => invalid(`Invalid ip address ${text}: address ${text}:: ${why}`);
  let address = text;
  if (text.startsWith('[')) {
    if (!text.endsWith(']')) throw complain("missing ']' in address");
    address = text.slice(1, -1);
  } else if (text.includes(':')) {
    throw complain('too many colons in address');
  }
  if (address !== '' && (ipVersion(address) === 0 || address.includes('%')))
    throw invalid(`Invalid ip address: ${address}`);
  return address;
}

interface Range {
  first: number;
  last: number;
}
const length = ({ first, last }: Range) => last - first + 1;

/** `80` or `80-90`; undefined for anything else. What follows a second dash is not looked at, as with Docker. */
function portRange(text: string): Range | undefined {
  const [first = '', last = first] = text.split('-');
  const range = { first: Number(first), last: Number(last) };
  const sound = [first, last].every((one) => /^\d+$/.test(one) && Number(one) <= 65535);
  return sound && range.first <= range.last ? range : undefined;
}

function hostPortText(outside: Range | undefined, inside: Range, index: number): string {
  if (outside === undefined) return '';
  // One container port and several host ports: whichever of these is free at the start.
  if (length(inside) === 1 && length(outside) > 1) return `${outside.first}-${outside.last}`;
  return `${outside.first + index}`;
}

/** The addresses that '' stands for: Docker publishes on both families where the host has both. */
function everyAddress(): string[] {
  return existsSync('/proc/net/if_inet6') ? ['0.0.0.0', '::'] : ['0.0.0.0'];
}

/** Where the kernel takes ports for clients from; Docker chooses from the same range. */
function localRange(): Range {
  const [first = 32768, last = 60999] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'latin1')
    .trim()
    .split(/\s+/)
    .map(Number);
  return { first, last };
}

/**
 * Makes a request concrete: every binding gets an address and a port that was free just now (the monitor binds it, and
 * a conflict is the caller's to retry). Exposed ports that are not published are there as null, as inspect shows them.
 * Throws kind `conflict` when no port of a range is free.
 */
export async function choosePorts(
  requested: PortMap,
  exposed: Readonly<Record<string, object>> = {},
  publishAll = false,
): Promise<PortMap> {
  const chosen: PortMap = {};
  const taken = new Set<string>();
  const wanted = new Map<string, PortBinding[]>();
  for (const port of Object.keys(exposed)) wanted.set(port, publishAll ? [{ HostIp: '', HostPort: '' }] : []);
  for (const [port, bindings] of Object.entries(requested)) if (bindings?.length) wanted.set(port, bindings);
  for (const [port, bindings] of wanted) {
    const protocol = port.split('/')[1] ?? 'tcp';
    if (bindings.length > 0) checkProtocol(protocol, port);
    const concrete: PortBinding[] = [];
    for (const binding of bindings) concrete.push(...(await chooseBinding(protocol, binding, taken)));
    chosen[port] = concrete.length === 0 ? null : concrete;
  }
  return chosen;
}

/** One binding on each address it stands for, all with the same port. */
async function chooseBinding(protocol: string, binding: PortBinding, taken: Set<string>): Promise<PortBinding[]> {
  const addresses = binding.HostIp === '' ? everyAddress() : [binding.HostIp];
  const fixed = /^\d+$/.test(binding.HostPort) && Number(binding.HostPort) !== 0;
  const port = fixed ? Number(binding.HostPort) : await freePort(protocol, addresses, binding.HostPort, taken);
  for (const address of addresses) taken.add(`${protocol} ${address} ${port}`);
  return addresses.map((HostIp) => ({ HostIp, HostPort: `${port}` }));
}

/** A port that can be bound on all of these addresses: from the range that was asked for, else anywhere. */
async function freePort(protocol: string, addresses: string[], asked: string, taken: Set<string>): Promise<number> {
  const own = asked === '' || asked === '0' ? undefined : portRange(asked);
  const range = own ?? localRange();
  // Starts in parallel would all try the same port first; of a given range Docker takes the lowest.
  const offset = own === undefined ? Math.floor(Math.random() * length(range)) : 0;
  for (let step = 0; step < length(range); step += 1) {
    const port = range.first + ((offset + step) % length(range));
    if (port === 0 || addresses.some((address) => taken.has(`${protocol} ${address} ${port}`))) continue;
    const refused = await Promise.all(addresses.map((address) => tryBind(protocol, address, port)));
    if (refused.every((code) => code === undefined)) return port;
  }
  throw new WherryError('conflict', 'driver failed programming external connectivity: all ports are allocated', {
    hint: 'Give a wider range of host ports, or stop what holds them (ss -tulpn)',
  });
}

/** The first of these ports that can't be had, in the monitor's words (`tcp 0.0.0.0 80 EACCES`). */
export async function findRefused(map: PortMap): Promise<string | undefined> {
  for (const [port, bindings] of Object.entries(map)) {
    const protocol = port.split('/')[1] ?? 'tcp';
    for (const { HostIp, HostPort } of bindings ?? []) {
      const code = await tryBind(protocol, HostIp, Number(HostPort));
      if (code !== undefined && code !== 'EAFNOSUPPORT') return `${protocol} ${HostIp} ${HostPort} ${code}`;
    }
  }
  return undefined;
}

/** Why a port can't be had (EADDRINUSE …); undefined where it can. */
async function tryBind(protocol: string, address: string, port: number): Promise<string | undefined> {
  if (protocol === 'udp') {
    const { createSocket } = await import('node:dgram');
    const socket = createSocket({
      type: ipVersion(address) === 6 ? 'udp6' : 'udp4',
      ipv6Only: ipVersion(address) === 6,
    });
    return tryListen(socket, () => socket.bind({ port, address, exclusive: true }));
  }
  const { createServer } = await import('node:net');
  const server = createServer();
  return tryListen(server, () => server.listen({ port, host: address, ipv6Only: true, exclusive: true }));
}

interface Listener {
  once(event: 'error' | 'listening', listener: (error?: NodeJS.ErrnoException) => void): unknown;
  close(done: () => void): unknown;
}

function tryListen(listener: Listener, start: () => void): Promise<string | undefined> {
  return new Promise((resolve) => {
    listener.once('error', (error) => resolve(error?.code ?? 'EIO'));
    listener.once('listening', () => listener.close(() => resolve(undefined)));
    start();
  });
}

/**
 * The values of the monitor's `publish` keys: `tcp 0.0.0.0 8080 172.17.0.2 80`.
 * inside: the container's addresses; each family leads to its own where there is one.
 */
export function publishLines(map: PortMap, inside: Partial<Record<4 | 6, string>>): string[] {
  const [v4, v6] = [inside[4] ?? inside[6], inside[6] ?? inside[4]];
  return Object.entries(map).flatMap(([port, bindings]) => {
    const [number, protocol] = port.split('/');
    return (bindings ?? []).map(({ HostIp, HostPort }) => {
      return `${protocol} ${HostIp} ${HostPort} ${ipVersion(HostIp) === 6 ? v6 : v4} ${number}`;
    });
  });
}

/**
 * The same as pasta(1) takes it: it forwards by itself, and shows clients' addresses. `-t 8080:80` is all addresses of both
 * versions.
 */
export function pastaPorts(map: PortMap): string[] {
  return Object.entries(map).flatMap(([port, bindings]) => {
    const [inside, protocol] = port.split('/');
    const option = protocol === 'udp' ? '-u' : '-t';
    const has = (address: string, port: string) =>
      (bindings ?? []).some(({ HostIp, HostPort }) => HostIp === address && HostPort === port);
    return (bindings ?? []).flatMap(({ HostIp, HostPort }) => {
      const isBoth = has('0.0.0.0', HostPort) && has('::', HostPort);
      if (isBoth && HostIp === '::') return [];
      const address = isBoth && HostIp === '0.0.0.0' ? '' : `${HostIp}/`;
      return [option, `${address}${HostPort}:${inside}`];
    });
  });
}
