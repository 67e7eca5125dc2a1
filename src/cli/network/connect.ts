import type { EndpointRequest } from '#base/api.ts';
import { WherryError } from '#base/error.ts';
import { asDaemon } from '#base/filter.ts';
import { command } from '#cli/command.ts';
import { link } from '#cli/run-values.ts';
import { integer, strings, text } from '#cli/values.ts';

export default command({
  usage: 'NETWORK CONTAINER',
  summary: 'Connect a container to a network',
  details: `
    A container that runs has the network's interface at once; one that does not gets it when it starts. Aliases are
    names under which the others of the network find it, besides its own.`,
  examples: [{ does: 'Let a database be found as db', line: 'wherry network connect --alias db back postgres' }],
  flags: {
    alias: { as: strings, summary: 'Add network-scoped alias for the container' },
    'driver-opt': { as: strings, summary: 'driver options for the network' },
    'gw-priority': {
      as: integer,
      summary: 'Highest gw-priority provides the default gateway. Accepts positive and negative values.',
    },
    ip: { as: text, summary: 'IPv4 address (e.g., "172.30.100.104")' },
    ip6: { as: text, summary: 'IPv6 address (e.g., "2001:db8::33")' },
    link: { as: link, summary: 'Add link to another container' },
    'link-local-ip': { as: strings, summary: 'Add a link-local address for the container' },
  },
  run: async (
    { store },
    [network = '', container = ''],
    { alias, driverOpt, gwPriority, ip, ip6, link: links, linkLocalIp },
  ) => {
    const wanted: EndpointRequest = {
      IPAMConfig: {
        ...(ip ? { IPv4Address: ip } : {}),
        ...(ip6 ? { IPv6Address: ip6 } : {}),
        ...(linkLocalIp.length > 0 ? { LinkLocalIPs: linkLocalIp } : {}),
      },
      ...(links.length > 0 ? { Links: links } : {}),
      Aliases: alias,
      DriverOpts: readOptions(driverOpt),
      ...(gwPriority === undefined ? {} : { GwPriority: gwPriority }),
    };
    const { connectToNetwork } = await import('#engine/networking.ts');
    await connectToNetwork(store, network, container, wanted).catch((error: unknown) =>
      asDaemon(() => {
        throw error;
      }),
    );
  },
});

function readOptions(options: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    options.map((option) => {
      const at = option.indexOf('=');
      if (at < 1) throw new WherryError('invalid', 'invalid key/value pair format in driver options');
      return [option.slice(0, at), option.slice(at + 1)];
    }),
  );
}
