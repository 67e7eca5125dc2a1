/** A service's networks as the engine takes them: the one that gives the default route first, with its aliases. */
import type { EndpointRequest } from '#base/api.ts';
import { WherryError } from '#base/error.ts';
import { given } from '#base/given.ts';
import type { Project, Service, ServiceNetwork } from '#compose/model/project.ts';

/** The keys of a service's networks: higher priority first, then by name. */
function networksByPriority(service: Service): string[] {
  const priority = (key: string) => service.networks?.[key]?.priority ?? 0;
  return Object.keys(service.networks ?? {}).sort((a, b) => priority(b) - priority(a) || (a < b ? -1 : 1));
}

export interface Naming {
  /** The container's, without a number for one-off containers. */
  name: string;
  /** The service's name and the aliases count too. */
  aliases: boolean;
  links: readonly string[];
}

/** HostConfig.NetworkMode and the endpoints. Throws kind `invalid` where two MAC addresses contradict each other. */
export function networkingOf(
  project: Project,
  service: Service,
  naming: Naming,
): { mode: string; networks: Record<string, EndpointRequest> } {
  if (service.network_mode) return { mode: service.network_mode, networks: {} };
  if (Object.keys(project.networks ?? {}).length === 0) return { mode: 'none', networks: {} };
  const keys = networksByPriority(service);
  const [first = 'default'] = keys;
  const main = service.networks?.[first];
  if (service.mac_address && main?.mac_address && main.mac_address !== service.mac_address) {
    const message = `the service-level mac_address should have the same value as network ${first}`;
    throw new WherryError('invalid', message, { hint: 'Leave one of the two out' });
  }
  const named = (key: string) => project.networks?.[key]?.name ?? key;
  const networks = Object.fromEntries(
    (keys.length === 0 ? [first] : keys).map((key) => [named(key), endpoint(service, service.networks?.[key], naming)]),
  );
  const primary = networks[named(first)];
  if (primary !== undefined && service.mac_address) primary.MacAddress ??= service.mac_address;
  return { mode: named(first), networks };
}

const INTERFACE_NAME = 'com.docker.network.endpoint.ifname';

function endpoint(service: Service, config: ServiceNetwork | null | undefined, naming: Naming): EndpointRequest {
  const Aliases = [naming.name, ...(naming.aliases ? [service.name, ...(config?.aliases ?? [])] : [])];
  const driverOpts = { ...config?.driver_opts };
  if (config?.interface_name) driverOpts[INTERFACE_NAME] = config.interface_name;
  const address = given({
    IPv4Address: config?.ipv4_address,
    IPv6Address: config?.ipv6_address,
    LinkLocalIPs: config?.link_local_ips,
  });
  return {
    Aliases,
    ...(naming.links.length === 0 ? {} : { Links: [...naming.links] }),
    ...(config === null || config === undefined ? {} : { IPAMConfig: address }),
    ...given({ MacAddress: config?.mac_address, GwPriority: config?.gw_priority }),
    ...(Object.keys(driverOpts).length === 0 ? {} : { DriverOpts: driverOpts }),
  };
}

/** Links as docker compose gives them: each container of a linked service under three names, then the external ones. */
export function linksOf(
  project: string,
  service: Service,
  { number, containers }: { number: number; containers: readonly { name: string; service: string }[] },
): string[] {
  const own = (service.links ?? []).flatMap((link) => {
    const [target = '', alias = target] = link.split(':');
    return containers
      .filter((one) => one.service === target)
      .flatMap(({ name }) => [
        `${name}:${alias}`,
        `${name}:${target}-${number}`,
        `${name}:${project}-${target}-${number}`,
      ]);
  });
  const external = (service.external_links ?? []).map((link) => (link.includes(':') ? link : `${link}:${link}`));
  return [...own, ...external];
}
