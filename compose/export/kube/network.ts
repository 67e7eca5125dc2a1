/** Names and ports as Services: what other services connect to, and what comes from outside. */
import { type Draft, kubeName, meta, orNone, placeOf, selectorOf, takeName, tell } from '#compose/export/kube/draft.ts';
import type { Ingress, KubeService, ServicePort } from '#compose/export/kube/objects.ts';
import { portsOf } from '#compose/export/kube/ports.ts';
import type { Port, Service } from '#compose/model/project.ts';

/**
 * The Services of one service. OWNER is in whose pod it runs (network_mode: service:…), else itself. Its own name leads to
 * the ports that it names or, without any, to its pods themselves, on whatever port: so it is in compose, too.
 */
export function addServices(draft: Draft, service: Service, owner: Service): void {
  const wanted = kubeName(service.name);
  if (wanted !== service.name)
    tell(draft, placeOf(service), `its name becomes "${wanted}": have others connect to this one`);
  const ports = servicePorts(service);
  for (const name of [service.name, ...aliases(draft, service)]) addService(draft, { name, service, owner, ports });
  addPublished(draft, service, owner);
  if ((service.links ?? []).some((link) => link.includes(':')))
    tell(draft, placeOf(service), 'aliases of links are left out: names hold for everybody there');
}

function addService(
  draft: Draft,
  { name, service, owner, ports }: { name: string; service: Service; owner: Service; ports: ServicePort[] },
): void {
  const headless = ports.length === 0 || service.deploy?.endpoint_mode === 'dnsrr';
  const taken = takeName(draft, 'Service', name);
  if (taken !== kubeName(name))
    tell(draft, placeOf(service), `another service has the name "${kubeName(name)}", too: it becomes "${taken}"`);
  draft.objects.push({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: meta(draft, taken, { service: service.name }),
    spec: {
      ...(headless ? { clusterIP: 'None' } : {}),
      selector: selectorOf(draft, owner.name),
      ...(ports.length === 0 ? {} : { ports }),
    },
  });
}

const servicePorts = (service: Service): ServicePort[] =>
  portsOf(service).map(({ name, port, protocol, appProtocol }) => ({
    name,
    port,
    targetPort: port,
    protocol,
    ...(appProtocol === undefined ? {} : { appProtocol }),
  }));

/** Further names in the project's networks. */
function aliases({ project }: Draft, service: Service): string[] {
  const given = Object.values(service.networks ?? {}).flatMap((network) => network?.aliases ?? []);
  const names = [...given, ...(service.container_name === undefined ? [] : [service.container_name])];
  const others = new Set(Object.keys(project.services).map(kubeName));
  const unique = new Map(names.map((name) => [kubeName(name), name]));
  return [...unique].filter(([name]) => !others.has(name)).map(([, name]) => name);
}

const isLocal = ({ host_ip: address }: Port) => address !== undefined && /^(127\.|\[?::1\]?$|localhost$)/.test(address);

/** Published ports, as a load balancer of the cluster's; each is forwarded from its outer number to its inner one. */
function addPublished(draft: Draft, service: Service, owner: Service): void {
  const place = placeOf(service);
  const published = (service.ports ?? []).filter(({ target }) => target !== undefined);
  for (const port of published.filter(isLocal))
    tell(draft, place, `port ${port.target} is not published: 127.0.0.1 is one machine's (kubectl port-forward)`);
  for (const port of published.filter((one) => !isLocal(one) && !one.published))
    tell(draft, place, `port ${port.target} is not published: it names no port of the host`);
  const ports = published.filter((one) => !isLocal(one) && one.published).map(publishedPort);
  const unique = [...new Map(ports.map((port) => [port.name, port])).values()];
  if (unique.length === 0) return;
  const name = takeName(draft, 'Service', `${service.name}-published`);
  draft.objects.push({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: meta(draft, name, { service: service.name }),
    spec: { type: 'LoadBalancer', selector: selectorOf(draft, owner.name), ports: unique },
  } satisfies KubeService);
}

/** Of a range, the first: only one of it is ever taken. */
function publishedPort({ target = 0, published = '', protocol = 'tcp', app_protocol: app }: Port): ServicePort {
  const port = Number.parseInt(published, 10);
  return {
    name: `${protocol.toLowerCase()}-${port}`,
    port,
    targetPort: target,
    protocol: protocol.toUpperCase(),
    ...(app === undefined ? {} : { appProtocol: app }),
  };
}

/** Ports that mostly speak HTTP. */
const WEB = [80, 3000, 4200, 5000, 5173, 8000, 8080, 8081, 8888];

/** An Ingress for what looks like the web: a hint only, as no compose file says under which host name it is known. */
export function ingressHint(draft: Draft, service: Service): Ingress | undefined {
  const speaks = ({ target = 0, published, protocol = 'tcp', app_protocol: app }: Port) =>
    published !== undefined && protocol === 'tcp' && (app === 'http' || (app === undefined && WEB.includes(target)));
  const port = (service.ports ?? []).find((one) => !isLocal(one) && speaks(one));
  if (port === undefined) return undefined;
  const name = kubeName(service.name);
  const backend = { service: { name, port: { number: port.target ?? 80 } } };
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: meta(draft, name, { service: service.name }),
    spec: { rules: [{ host: `${name}.example.com`, http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } }] },
  };
}

/** dns, dns_search, dns_opt, extra_hosts of a pod's services. */
export function names(draft: Draft, services: readonly Service[]) {
  const dnsConfig = {
    nameservers: orNone(services.flatMap(({ dns }) => dns ?? [])),
    searches: orNone(services.flatMap(({ dns_search: searches }) => searches ?? [])),
    options: orNone(services.flatMap(({ dns_opt: options }) => (options ?? []).map(dnsOption))),
  };
  return { dnsConfig, hostAliases: orNone(services.flatMap((service) => hostAliases(draft, service))) };
}

function dnsOption(text: string): { name: string; value?: string } {
  const [name = '', value] = text.split(':');
  return value === undefined ? { name } : { name, value };
}

function hostAliases(draft: Draft, service: Service): { ip: string; hostnames: string[] }[] {
  const byAddress = new Map<string, string[]>();
  for (const entry of service.extra_hosts ?? []) {
    const [, host = '', address = ''] = /^([^=:]+)[=:](.*)$/.exec(entry) ?? [];
    if (address === 'host-gateway') {
      tell(draft, placeOf(service), `extra host "${host}" is left out: a pod knows no host-gateway`);
      continue;
    }
    byAddress.set(address, [...(byAddress.get(address) ?? []), host]);
  }
  return [...byAddress].map(([ip, hostnames]) => ({ ip: ip.replace(/^\[|\]$/g, ''), hostnames }));
}
