/** The value of --network: a name, Docker's fields, or podman's. */
import { WherryError } from '#base/error.ts';
import { type Kind, several } from '#cli/values.ts';

/** One --network. */
export interface NetworkFlag {
  target: string;
  aliases: string[];
  ipv4?: string;
  ipv6?: string;
  mac?: string;
  linkLocal?: string[];
  options?: Record<string, string>;
  priority?: number;
}

const invalid = (reason: string) => new WherryError('invalid', reason);

/** podman's: the network's name, a colon, and fields. Modes of their own have colons, too. */
const PODMAN = /^(?!(?:container|ns|pasta|slirp4netns):)([^:=,]+):(\w+=.*)$/;

/**
 * --network: a name, or `name=…,alias=…,ip=…` (Docker), or `NAME:alias=…,ip=…` (podman).
 * Throws kind `invalid` in Docker's words.
 */
export const network: Kind<NetworkFlag[]> = several('network', (value) => {
  const [, name, fields] = PODMAN.exec(value) ?? [];
  if (name !== undefined && fields !== undefined)
    return readFields(fields, PODMAN_FIELDS, { target: name, aliases: [] });
  const hasMode = /^(container|ns|pasta|slirp4netns):/.test(value);
  if (hasMode || !/\w+=\w+(,\w+=\w+)*/.test(value)) return { target: value, aliases: [] };
  const flag = readFields(value, FIELDS, { target: '', aliases: [] });
  if (flag.target === '') throw invalid('network name/id is not specified');
  return flag;
});

type Setter = (flag: NetworkFlag, value: string) => void;

function readFields(text: string, setters: Readonly<Record<string, Setter>>, flag: NetworkFlag): NetworkFlag {
  for (const field of text.split(',')) {
    const at = field.indexOf('=');
    if (at < 1) throw invalid(`invalid field ${field}`);
    const key = field.slice(0, at).toLowerCase().trim();
    const set = Object.hasOwn(setters, key) ? setters[key] : undefined;
    if (set === undefined) throw invalid(`invalid field key ${key}`);
    set(flag, field.slice(at + 1).trim());
  }
  return flag;
}

const FIELDS: Readonly<Record<string, Setter>> = {
  name: (flag, value) => {
    flag.target = value;
  },
  alias: (flag, value) => {
    flag.aliases.push(value);
  },
  ip: (flag, value) => {
    flag.ipv4 = value;
  },
  ip6: (flag, value) => {
    flag.ipv6 = value;
  },
  'mac-address': (flag, value) => {
    flag.mac = value;
  },
  'link-local-ip': (flag, value) => {
    flag.linkLocal = [...(flag.linkLocal ?? []), value];
  },
  'driver-opt': (flag, value) => {
    const at = value.indexOf('=');
    if (at < 1) throw invalid('invalid key value pair format in driver options');
    flag.options = { ...flag.options, [value.slice(0, at).toLowerCase()]: value.slice(at + 1) };
  },
  'gw-priority': (flag, value) => {
    if (!/^[+-]?\d+$/.test(value)) throw invalid(`invalid gw-priority (${value}): invalid syntax`);
    flag.priority = Number(value);
  },
};

/** podman run(1), --network. */
const PODMAN_FIELDS: Readonly<Record<string, Setter>> = {
  alias: FIELDS.alias as Setter,
  ip: FIELDS.ip as Setter,
  ip6: FIELDS.ip6 as Setter,
  mac: FIELDS['mac-address'] as Setter,
  interface_name: (flag, value) => {
    flag.options = { ...flag.options, 'com.docker.network.endpoint.ifname': value };
  },
};
