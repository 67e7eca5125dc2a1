/**
 * What is asked of the kernel for links, as messages of rtnetlink(7), and as the lines that bin/wherry-links takes
 * (native/links/main.c). Pure. Numbers are in the machine's order, which is the little endian one wherever wherry runs.
 */
import { endianness } from 'node:os';
import { parseAddress } from '#network/ipam.ts';

/** linux/rtnetlink.h */
const TYPE = { newLink: 16, delLink: 17, newAddress: 20, newRoute: 24, newRule: 32 } as const;

/** linux/netlink.h */
const FLAG = { request: 0x1, ack: 0x4, replace: 0x100, exclusive: 0x200, create: 0x400 } as const;

const FAMILY: Record<4 | 6, number> = { 4: 2, 6: 10 };

/** The interface's number stands there in each header but a route's. */
const INDEX = 20;

const isLittle = endianness() === 'LE';

function numbers(...parts: [value: number, bytes: 1 | 2 | 4][]): Buffer {
  const buffer = Buffer.alloc(parts.reduce((sum, [, bytes]) => sum + bytes, 0));
  let at = 0;
  for (const [value, bytes] of parts) {
    if (isLittle) buffer.writeUIntLE(value, at, bytes);
    else buffer.writeUIntBE(value, at, bytes);
    at += bytes;
  }
  return buffer;
}

const u8 = (value: number) => numbers([value, 1]);
const u32 = (value: number) => numbers([value, 4]);
const text = (value: string) => Buffer.from(`${value}\0`);
const macBytes = (mac: string) => Buffer.from(mac.replaceAll(':', ''), 'hex');

/** struct nlattr with its value, filled up to four bytes. */
function attribute(type: number, ...values: Buffer[]): Buffer {
  const value = Buffer.concat(values);
  const padding = Buffer.alloc(-value.length & 3);
  return Buffer.concat([numbers([value.length + 4, 2], [type, 2]), value, padding]);
}

/** struct ifinfomsg */
const UP = 1;
const linkHeader = ({ up = false } = {}) => numbers([0, 1], [0, 1], [0, 2], [0, 4], [up ? UP : 0, 4], [up ? UP : 0, 4]);

/** linux/if_link.h */
const IFLA = { address: 1, name: 3, mtu: 4, master: 10, info: 18, family: 26, netns: 28 } as const;
const INFO = { kind: 1, data: 2, slaveKind: 4, slaveData: 5 } as const;
const VETH_PEER = 1;
const BRPORT_ISOLATED = 33;
const INET6_GENERATION = 8;
const GENERATE_NONE = 1;

/** One line: what is asked, and in words for an error. places: where interfaces' numbers belong, by their names. */
function send(
  type: number,
  flags: number,
  { body, places = [], what }: { body: Buffer[]; places?: [number, string][]; what: string },
): string {
  const rest = Buffer.concat(body);
  const header = numbers([16 + rest.length, 4], [type, 2], [FLAG.request | FLAG.ack | flags, 2], [1, 4], [0, 4]);
  const where = places.map(([at, name]) => `${at}:${name}`).join('/');
  return `send ${where || '-'} ${header.toString('hex')}${rest.toString('hex')} ${what}`;
}

export interface Device {
  name: string;
  mac: string;
  mtu: number;
}

/** Makes a bridge. */
export const addBridge = ({ name, mac, mtu }: Device): string =>
  send(TYPE.newLink, FLAG.create | FLAG.exclusive, {
    body: [
      linkHeader(),
      attribute(IFLA.name, text(name)),
      attribute(IFLA.address, macBytes(mac)),
      attribute(IFLA.mtu, u32(mtu)),
      attribute(IFLA.info, attribute(INFO.kind, text('bridge'))),
    ],
    what: `bridge ${name}`,
  });

/** Makes a pair of interfaces, the other one in the namespace that is open as this descriptor. */
export const addPair = ({ name, mac, mtu }: Device, peer: string, descriptor: number): string =>
  send(TYPE.newLink, FLAG.create | FLAG.exclusive, {
    body: [
      linkHeader(),
      attribute(IFLA.name, text(name)),
      attribute(IFLA.address, macBytes(mac)),
      attribute(IFLA.mtu, u32(mtu)),
      attribute(
        IFLA.info,
        attribute(INFO.kind, text('veth')),
        attribute(
          INFO.data,
          attribute(
            VETH_PEER,
            linkHeader(),
            attribute(IFLA.name, text(peer)),
            attribute(IFLA.mtu, u32(mtu)),
            attribute(IFLA.netns, u32(descriptor)),
          ),
        ),
      ),
    ],
    what: `interface ${name}`,
  });

export const removeLink = (name: string): string =>
  send(TYPE.delLink, 0, { body: [linkHeader()], places: [[INDEX, name]], what: `interface ${name}` });

/** Switches an interface on. */
export const switchOn = (name: string): string =>
  send(TYPE.newLink, 0, { body: [linkHeader({ up: true })], places: [[INDEX, name]], what: `interface ${name}` });

/** No link-local address of IPv6 but one that is given. It comes before the interface is switched on. */
export const generateNone = (name: string): string =>
  send(TYPE.newLink, 0, {
    body: [linkHeader(), attribute(IFLA.family, attribute(FAMILY[6], attribute(INET6_GENERATION, u8(GENERATE_NONE))))],
    places: [[INDEX, name]],
    what: `interface ${name}`,
  });

/** Gives an interface to a bridge, and switches it on. */
export const enslave = (name: string, bridge: string): string => {
  const header = linkHeader({ up: true });
  const place = 16 + header.length + 4;
  return send(TYPE.newLink, 0, {
    body: [header, attribute(IFLA.master, u32(0))],
    places: [
      [INDEX, name],
      [place, bridge],
    ],
    what: `interface ${name} of bridge ${bridge}`,
  });
};

/** Lets an interface of a bridge reach no other one that is set apart as well. */
export const setApart = (name: string): string =>
  send(TYPE.newLink, 0, {
    body: [
      linkHeader(),
      attribute(
        IFLA.info,
        attribute(INFO.slaveKind, text('bridge')),
        attribute(INFO.slaveData, attribute(BRPORT_ISOLATED, u8(1))),
      ),
    ],
    places: [[INDEX, name]],
    what: `interface ${name}`,
  });

function addressBytes(address: string): { version: 4 | 6; bytes: Buffer } {
  const parsed = parseAddress(address);
  if (parsed === undefined) throw new Error(`"${address}" is no address`);
  const size = parsed.version === 4 ? 4 : 16;
  return { version: parsed.version, bytes: Buffer.from(parsed.number.toString(16).padStart(2 * size, '0'), 'hex') };
}

/** linux/if_addr.h */
const IFA = { address: 1, local: 2, broadcast: 4 } as const;
const NO_DETECTION = 2;

/**
 * Gives an interface an address, which has its prefix length behind it. Nobody else can have an address that we gave, so
 * one of IPv6 is good at once.
 */
export function addAddress(name: string, address: string): string {
  const [plain = '', prefix = ''] = address.split('/');
  const { version, bytes } = addressBytes(plain);
  const length = Number(prefix);
  const last = version === 4 && length < 31 ? [attribute(IFA.broadcast, broadcastOf(bytes, length))] : [];
  return send(TYPE.newAddress, FLAG.create | FLAG.exclusive, {
    body: [
      numbers([FAMILY[version], 1], [length, 1], [version === 6 ? NO_DETECTION : 0, 1], [0, 1], [0, 4]),
      attribute(IFA.local, bytes),
      attribute(IFA.address, bytes),
      ...last,
    ],
    places: [[INDEX, name]],
    what: `address ${address} of ${name}`,
  });
}

function broadcastOf(address: Buffer, prefix: number): Buffer {
  const last = Buffer.alloc(4);
  last.writeUInt32BE((address.readUInt32BE() | (0xffffffff >>> prefix)) >>> 0);
  return last;
}

/** struct rtmsg: the main table, set at boot, to everywhere, of the usual kind. */
const MAIN = 254;
/** The table of a host's own addresses, which is asked first. */
const OWN = 255;
const BOOT = 3;
const UNICAST = 1;
const LOCAL = 2;
const HOST_SCOPE = 254;
const LINK_SCOPE = 253;
const RTA_DESTINATION = 1;
const RTA_INTERFACE = 4;
const RTA_GATEWAY = 5;
const RTA_SOURCE = 7;

/** The way out, in the place of one that is there. */
export function replaceDefault(gateway: string): string {
  const { version, bytes } = addressBytes(gateway);
  const header = [FAMILY[version], 0, 0, 0, MAIN, BOOT, 0, UNICAST].map((value): [number, 1] => [value, 1]);
  return send(TYPE.newRoute, FLAG.create | FLAG.replace, {
    body: [numbers(...header, [0, 4]), attribute(RTA_GATEWAY, bytes)],
    what: `default route via ${gateway}`,
  });
}

/** Packets to this address, one of the loopback's, go out by the interface, with the source. */
export function leadOut(destination: string, name: string, source: string): string {
  const header = [FAMILY[4], 32, 0, 0, OWN, BOOT, LINK_SCOPE, UNICAST].map((value): [number, 1] => [value, 1]);
  const addresses = [
    attribute(RTA_DESTINATION, addressBytes(destination).bytes),
    attribute(RTA_SOURCE, addressBytes(source).bytes),
  ];
  const place = 16 + header.length + 4 + 8 + 8 + 4;
  return send(TYPE.newRoute, FLAG.create | FLAG.replace, {
    body: [numbers(...header, [0, 4]), ...addresses, attribute(RTA_INTERFACE, u32(0))],
    places: [[place, name]],
    what: `route to ${destination} by ${name}`,
  });
}

/** Every address is our own: the one route of a table. */
export function localRoute(version: 4 | 6, table: number): string {
  const header = [FAMILY[version], 0, 0, 0, table, BOOT, HOST_SCOPE, LOCAL].map((value): [number, 1] => [value, 1]);
  const place = 16 + header.length + 4 + 4;
  return send(TYPE.newRoute, FLAG.create | FLAG.exclusive, {
    body: [numbers(...header, [0, 4]), attribute(RTA_INTERFACE, u32(0))],
    places: [[place, 'lo']],
    what: `local route of IPv${version}`,
  });
}

/** struct fib_rule_hdr */
const TO_TABLE = 1;
const FRA_MARK = 10;

/** What has this mark goes by that table. */
export function markRule(version: 4 | 6, mark: number, table: number): string {
  const header = [FAMILY[version], 0, 0, 0, table, 0, 0, TO_TABLE].map((value): [number, 1] => [value, 1]);
  return send(TYPE.newRule, FLAG.create | FLAG.exclusive, {
    body: [numbers(...header, [0, 4]), attribute(FRA_MARK, u32(mark))],
    what: `rule of IPv${version} for answers`,
  });
}
