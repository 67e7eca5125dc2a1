/** EXPOSE: `80`, `80/udp`, `8000-8010`; of `-p`'s form only the container's side counts. */
import { isIP } from 'node:net';
import { quote } from '#base/go-quote.ts';
import { wrong } from '#build/dockerfile/fault.ts';
import type { Linter } from '#build/dockerfile/lint.ts';
import type { Place } from '#build/vertex.ts';

/** `80/tcp` …, in BuildKit's order. Throws kind `invalid` in its words. */
export function exposedPorts(texts: readonly string[], place: Place, linter: Linter): string[] {
  return texts.flatMap((text) => portsOf(text, place, linter));
}

function portsOf(text: string, place: Place, linter: Linter): string[] {
  const parts = text.split(':');
  const ports = parts.at(-1) ?? '';
  const hostPort = parts.at(-2) ?? '';
  const ip = parts.slice(0, -2).join(':');
  const { range, protocol } = splitProtocol(text, ports);
  if (protocol !== protocol.toLowerCase()) {
    const detail = `Defined protocol '${text}' in EXPOSE instruction should be lowercase`;
    linter.note('ExposeProtoCasing', place, detail);
  }
  if (ip !== '' || hostPort !== '') {
    const detail = `EXPOSE instruction should not define an IP address or host-port mapping, found '${text}'`;
    linter.note('ExposeInvalidFormat', place, detail);
  }
  if (ip !== '' && isIP(ip.replace(/^\[(.*)\]$/, '$1')) === 0) throw wrong(`invalid IP address: ${ip}`, text);
  const [first, last] = readRange(range) ?? refuse(`invalid containerPort: ${range}`, text);
  if (hostPort !== '') {
    const [start, end] = readRange(hostPort) ?? refuse(`invalid hostPort: ${hostPort}`, text);
    if (last - first !== end - start && last !== first) {
      throw wrong(`invalid ranges specified for container and host Ports: ${range} and ${hostPort}`);
    }
  }
  return Array.from({ length: last - first + 1 }, (_, index) => `${first + index}/${protocol.toLowerCase()}`);
}

function refuse(message: string, near: string): never {
  throw wrong(message, near);
}

function splitProtocol(text: string, ports: string): { range: string; protocol: string } {
  const slash = ports.indexOf('/');
  const range = slash < 0 ? ports : ports.slice(0, slash);
  const protocol = slash < 0 ? '' : ports.slice(slash + 1);
  if (range === '') throw wrong(`invalid port: ${quote(text)}: no port specified`, text);
  if (!/^(?:|tcp|udp|sctp)$/i.test(protocol))
    throw wrong(`invalid port: ${quote(text)}: invalid proto: ${protocol}`, text);
  return { range, protocol: protocol || 'tcp' };
}

function readRange(text: string): [number, number] | undefined {
  const at = text.indexOf('-');
  const first = readPort(at < 0 ? text : text.slice(0, at));
  const last = at < 0 ? first : readPort(text.slice(at + 1));
  return first === undefined || last === undefined || last < first ? undefined : [first, last];
}

function readPort(text: string): number | undefined {
  const port = /^[+-]?\d+$/.test(text) ? Number(text) : -1;
  return port >= 0 && port <= 65535 ? port : undefined;
}
