/** Published and exposed ports as ps and port show them. Pure. */
import type { PortMap } from '#base/api.ts';

/** Engine API `Port`: one line of what a container listens on. */
export interface Port {
  /** '' for a port that is exposed only. */
  ip: string;
  inside: number;
  /** 0 for a port that is exposed only. */
  outside: number;
  protocol: string;
}

/** Each binding by itself; a port without one comes as exposed only. */
export function listPorts(map: PortMap): Port[] {
  return Object.entries(map).flatMap(([key, bindings]) => {
    const [number = '', protocol = 'tcp'] = key.split('/');
    const inside = Number(number);
    if (bindings === null || bindings.length === 0) return [{ ip: '', inside, outside: 0, protocol }];
    return bindings.map(({ HostIp, HostPort }) => ({ ip: HostIp, inside, outside: Number(HostPort), protocol }));
  });
}

/** `[::]:80`, `0.0.0.0:80` (net.JoinHostPort). */
export function hostPort(ip: string, port: number | string): string {
  return ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`;
}

interface Group {
  ip: string;
  protocol: string;
  first: number;
  last: number;
}

/**
 * `0.0.0.0:8080-8082->8080-8082/tcp, 53/udp`: neighbours that keep their number are joined, those that are mapped to
 * another number stand alone and last (docker/cli, formatter.DisplayablePorts).
 */
export function displayPorts(ports: readonly Port[]): string {
  const closed: string[] = [];
  const open = new Map<string, Group>();
  const mapped: string[] = [];
  for (const port of ports.toSorted(compare)) {
    if (port.ip !== '' && port.outside !== port.inside) {
      mapped.push(`${hostPort(port.ip, port.outside)}->${port.inside}/${port.protocol}`);
      continue;
    }
    const key = `${port.ip}/${port.protocol}`;
    const group = open.get(key);
    if (group?.last === port.inside - 1) {
      group.last = port.inside;
      continue;
    }
    if (group !== undefined) closed.push(displayGroup(group));
    // A key keeps its place when its group is replaced, as in Docker's list.
    open.set(key, { ip: port.ip, protocol: port.protocol, first: port.inside, last: port.inside });
  }
  return [...closed, ...[...open.values()].map(displayGroup), ...mapped].join(', ');
}

function displayGroup({ ip, protocol, first, last }: Group): string {
  const range = first === last ? `${first}` : `${first}-${last}`;
  return ip === '' ? `${range}/${protocol}` : `${hostPort(ip, range)}->${range}/${protocol}`;
}

function compare(a: Port, b: Port): number {
  return a.inside - b.inside || byText(a.ip, b.ip) || a.outside - b.outside || byText(a.protocol, b.protocol);
}

const byText = (a: string, b: string) => (a < b ? -1 : Number(a > b));
