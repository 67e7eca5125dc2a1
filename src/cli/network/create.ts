import { WherryError } from '#base/error.ts';
import { asDaemon } from '#base/filter.ts';
import { command } from '#cli/command.ts';
import { readPools } from '#cli/network/pools.ts';
import { label } from '#cli/run-values.ts';
import { boolean, map, pairs, strings, text } from '#cli/values.ts';

/** What only a swarm has. */
const SWARM: Readonly<Record<string, string>> = {
  'config-from': 'networks made from configurations are those of a swarm',
  'config-only': 'networks that are configurations only are those of a swarm',
  ingress: "a swarm's routing mesh needs a swarm",
};

export default command({
  usage: 'NETWORK',
  summary: 'Create a network',
  details: `
    A bridge of its own: its containers reach each other, find each other by name, and reach the outside unless it is
    internal. Containers of other networks don't reach them. A network has one IPv4 and, with --ipv6, one IPv6 subnet;
    what is not given is chosen so that it hides nothing of the host's.

    Options (--opt): com.docker.network.driver.mtu or mtu, com.docker.network.bridge.name,
    com.docker.network.bridge.enable_icc=false, com.docker.network.bridge.host_binding_ipv4=ADDRESS,
    com.docker.network.container_iface_prefix, isolate=false (networks that all say so reach each other).

    macvlan, ipvlan and overlay networks need root, or a swarm, and are refused.`,
  examples: [
    { does: 'A network whose containers reach nothing outside', line: 'wherry network create --internal back' },
    { does: 'Addresses of your choice', line: 'wherry network create --subnet 10.9.0.0/24 --gateway 10.9.0.254 front' },
  ],
  flags: {
    attachable: { as: boolean, summary: 'Enable manual container attachment' },
    'aux-address': { as: map, summary: 'Auxiliary IPv4 or IPv6 addresses used by Network driver' },
    'config-from': { as: text, summary: 'The network from which to copy the configuration' },
    'config-only': { as: boolean, summary: 'Create a configuration only network' },
    driver: { short: 'd', as: text, default: 'bridge', summary: 'Driver to manage the Network' },
    gateway: { as: strings, summary: 'IPv4 or IPv6 Gateway for the master subnet' },
    ingress: { as: boolean, summary: 'Create swarm routing-mesh network' },
    internal: { as: boolean, summary: 'Restrict external access to the network' },
    'ip-range': { as: strings, summary: 'Allocate container ip from a sub-range' },
    'ipam-driver': { as: text, default: 'default', summary: 'IP Address Management Driver' },
    'ipam-opt': { as: map, summary: 'Set IPAM driver specific options' },
    ipv4: { as: boolean, default: 'true', summary: 'Enable or disable IPv4 address assignment' },
    ipv6: { as: boolean, summary: 'Enable or disable IPv6 address assignment' },
    label: { as: label, summary: 'Set metadata on a network' },
    opt: { short: 'o', as: map, summary: 'Set driver specific options' },
    scope: { as: text, summary: "Control the network's scope" },
    subnet: { as: strings, summary: 'Subnet in CIDR format that represents a network segment' },
  },
  run: async ({ store, out, given }, [name = ''], values) => {
    const pools = readPools({
      subnets: values.subnet,
      ranges: values.ipRange,
      gateways: values.gateway,
      aux: values.auxAddress,
    });
    for (const [flag, why] of Object.entries(SWARM)) {
      if (given.has(flag)) throw new WherryError('unsupported', `Cannot create a network with --${flag}: ${why}`);
    }
    if (values.scope === 'swarm') {
      throw new WherryError('unavailable', 'cannot create a swarm scoped network when swarm is not active');
    }
    const { createNetwork } = await import('#network/create.ts');
    const { id } = await createNetwork(store, {
      name,
      driver: values.driver,
      ipamDriver: values.ipamDriver,
      ipamOptions: values.ipamOpt,
      pools,
      ipv4: values.ipv4,
      ipv6: values.ipv6,
      internal: values.internal,
      attachable: values.attachable,
      options: values.opt,
      labels: pairs(values.label),
    }).catch((error: unknown) =>
      asDaemon(() => {
        throw error;
      }),
    );
    out.line(id);
  },
});
