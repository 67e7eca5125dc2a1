/** Which ports a service is reached at. */
import type { Port, Service } from '#compose/model/project.ts';

export interface KubePort {
  name: string;
  port: number;
  /** TCP, UDP or SCTP. */
  protocol: string;
  appProtocol?: string;
}

/** Published and exposed ones, each once; by their number in the container, which is what other services connect to. */
export function portsOf(service: Service): KubePort[] {
  const published = (service.ports ?? []).flatMap((port) => (port.target === undefined ? [] : [asPort(port)]));
  const exposed = (service.expose ?? []).flatMap(exposedPorts);
  const unique = new Map([...exposed, ...published].map((port) => [`${port.port}/${port.protocol}`, port]));
  return [...unique.values()].sort((a, b) => a.port - b.port || (a.protocol < b.protocol ? -1 : 1));
}

/** Names are made of number and protocol: those of compose need not be unique, and are longer than the 15 that may be. */
function asPort({ target = 0, protocol = 'tcp', app_protocol: app }: Port): KubePort {
  return {
    name: `${protocol.toLowerCase()}-${target}`,
    port: target,
    protocol: protocol.toUpperCase(),
    ...(app === undefined ? {} : { appProtocol: app }),
  };
}

/** `3000`, `3000-3005/udp`. */
function exposedPorts(text: string): KubePort[] {
  const [, low, high, protocol] = /^(\d+)(?:-(\d+))?(?:\/(\w+))?$/.exec(String(text)) ?? [];
  const [first, last] = [Number(low), Number(high ?? low)];
  if (!(first >= 1 && last <= 65535)) return [];
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) =>
    asPort({ target: first + index, protocol: protocol ?? 'tcp' }),
  );
}
