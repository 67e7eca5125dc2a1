/** --opt of networks and --driver-opt of endpoints: the names that mean something, and what they may say. Pure. */
import { ipVersion } from '#base/address.ts';
import { WherryError } from '#base/error.ts';
import { parseBool } from '#base/units.ts';

/** What a network's options are called by Docker; `mtu` and `isolate` are podman's. */
export const OPTION = {
  bridge: 'com.docker.network.bridge.name',
  talk: 'com.docker.network.bridge.enable_icc',
  masquerade: 'com.docker.network.bridge.enable_ip_masquerade',
  publish: 'com.docker.network.bridge.host_binding_ipv4',
  noAddress: 'com.docker.network.bridge.inhibit_ipv4',
  mode4: 'com.docker.network.bridge.gateway_mode_ipv4',
  mode6: 'com.docker.network.bridge.gateway_mode_ipv6',
  mtu: 'com.docker.network.driver.mtu',
  prefix: 'com.docker.network.container_iface_prefix',
  shortMtu: 'mtu',
  isolate: 'isolate',
} as const;

/** What an endpoint's options are called by Docker. */
export const ENDPOINT_OPTION = {
  name: 'com.docker.network.endpoint.ifname',
  sysctls: 'com.docker.network.endpoint.sysctls',
} as const;

/** A device's name has at most 15 bytes (IFNAMSIZ). */
const LONGEST_DEVICE = 15;

/** The least of an IPv4 and of an IPv6 link, and the most of a bridge. */
const LEAST_MTU = 68;
const LEAST_MTU_6 = 1280;
const MOST_MTU = 65535;

type Options = Readonly<Record<string, string>>;

/** Throws kind `invalid` in Docker's words, and `unsupported` for what only root's networks can be. */
export function checkOptions(options: Options, network: { internal: boolean; hasV6: boolean }): void {
  checkBridgeName(options[OPTION.bridge] ?? '');
  for (const name of [OPTION.mtu, OPTION.shortMtu]) checkMtu(name, options[name], network.hasV6);
  for (const name of [OPTION.talk, OPTION.masquerade, OPTION.noAddress]) readSwitch(options, name, true);
  const host = options[OPTION.publish];
  if (host && ipVersion(host) === 0) throw unreadable(OPTION.publish, host, 'nil ip');
  for (const name of [OPTION.mode4, OPTION.mode6]) checkMode(name, options[name], network.internal);
  if (!readSwitch(options, OPTION.masquerade, true)) {
    throw cannot(`${OPTION.masquerade}=false`, "the host doesn't know the way back to a container's own address");
  }
  if (readSwitch(options, OPTION.noAddress, false)) {
    throw cannot(`${OPTION.noAddress}=true`, 'nobody but wherry could give an address to the bridge');
  }
  // Throws where it can't be read.
  isIsolated(options);
}

function checkBridgeName(name: string): void {
  if (name.length > LONGEST_DEVICE) throw new WherryError('invalid', 'numerical result out of range');
  // Names go into scripts: what the kernel refuses, and what a shell or nft would read otherwise.
  if (name !== '' && !/^[a-zA-Z0-9_][a-zA-Z0-9_.-]*$/.test(name)) throw new WherryError('invalid', 'invalid argument');
}

function checkMtu(name: string, text: string | undefined, hasV6: boolean): void {
  if (text === undefined) return;
  if (!/^[+-]?\d+$/.test(text)) throw unreadable(name, text, `strconv.Atoi: parsing "${text}": invalid syntax`);
  const mtu = Number(text);
  if (mtu < 0) throw new WherryError('invalid', `invalid MTU number: ${text}`);
  const isFit = mtu === 0 || (mtu >= (hasV6 ? LEAST_MTU_6 : LEAST_MTU) && mtu <= MOST_MTU);
  if (!isFit) throw new WherryError('invalid', 'invalid argument');
}

const MODES = ['nat', 'nat-unprotected', 'routed', 'isolated'];

function checkMode(name: string, mode: string | undefined, internal: boolean): void {
  if (!mode || mode === 'nat') return;
  if (!MODES.includes(mode)) throw unreadable(name, mode, `unknown gateway mode ${mode}`);
  if (mode === 'isolated' && internal) return;
  if (mode === 'isolated') {
    throw new WherryError('invalid', "gateway mode 'isolated' can only be used for an internal network");
  }
  throw cannot(`${name}=${mode}`, 'the host has no route to containers, so that only published ports lead to them');
}

const unreadable = (name: string, text: string, why: string) =>
  new WherryError('invalid', `failed to parse ${name} value: ${text} (${why})`);

const cannot = (option: string, why: string) =>
  new WherryError('unsupported', `Cannot create a network with the option "${option}": ${why}`, {
    hint: `Leave out --opt ${option}`,
  });

/** strconv.ParseBool of an option. */
function readSwitch(options: Options, name: string, fallback: boolean): boolean {
  const text = options[name];
  if (text === undefined || text === '') return fallback;
  const value = parseBool(text);
  if (value !== undefined) return value;
  throw unreadable(name, text, `strconv.ParseBool: parsing "${text}": invalid syntax`);
}

/** Do containers of one network reach each other? */
export const letsTalk = (options: Options): boolean => readSwitch(options, OPTION.talk, true);

/** podman's word: `false` opens a network to others of the same mind. Docker's networks are always closed, and so are ours. */
export function isIsolated(options: Options): boolean {
  return options[OPTION.isolate] === 'strict' || readSwitch(options, OPTION.isolate, true);
}

/** Of the links; undefined: as large as can be. */
export function mtuOf(options: Options): number | undefined {
  return Number(options[OPTION.mtu] ?? options[OPTION.shortMtu] ?? 0) || undefined;
}

/** Where ports are published that name no address. */
export const publishAddress = (options: Options): string => options[OPTION.publish] ?? '';

/** What containers' interfaces are called before their number. */
export const devicePrefix = (options: Options): string => options[OPTION.prefix] || 'eth';
