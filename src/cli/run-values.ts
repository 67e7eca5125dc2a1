/** Kinds of values that only run and create have, each checked as Docker's command line does. */
import { ipVersion } from '#base/address.ts';
import type { MountRequest } from '#base/api.ts';
import { WherryError } from '#base/error.ts';
import { type Kind, map, several } from '#cli/values.ts';
import { parseMountFlag } from '#volume/mount-flag.ts';

const invalid = (reason: string) => new WherryError('invalid', reason);

/** -e: a name without a value takes ours; one that we don't have either takes the image's away. */
export const environment: Kind<string[]> = several('list', (value) => {
  if (value === '' || value.startsWith('=')) throw invalid(`invalid environment variable: ${value}`);
  const ours = value.includes('=') ? undefined : process.env[value];
  return ours === undefined ? value : `${value}=${ours}`;
});

/** -l: `key=value`, or a key alone. */
export const label: Kind<string[]> = several('list', (value) => {
  const key = (value.split('=', 1)[0] ?? '').replace(/^[ \t]+/, '');
  if (key === '') throw invalid(`invalid label '${value}': empty name`);
  if (/[ \t]/.test(key)) throw invalid(`label '${key}' contains whitespaces`);
  return value;
});

export type Stream = 'stdin' | 'stdout' | 'stderr';

/** -a */
export const stream: Kind<Stream[]> = several('list', (value) => {
  const name = value.toLowerCase();
  if (name === 'stdin' || name === 'stdout' || name === 'stderr') return name;
  throw invalid('valid streams are STDIN, STDOUT and STDERR');
});

/** --add-host: `host:ip` or `host=ip`, an IPv6 address in brackets too; kept as `host:ip`. */
export const extraHost: Kind<string[]> = several('list', (value) => {
  const at = value.includes('=') ? value.indexOf('=') : value.indexOf(':');
  const host = value.slice(0, Math.max(at, 0));
  if (host === '' || host.includes(':')) throw invalid(`bad format for add-host: ${JSON.stringify(value)}`);
  const given = value.slice(at + 1);
  const address = given.replace(/^\[(.+)\]$/, '$1');
  if (address !== 'host-gateway' && !isAddress(address)) {
    throw invalid(`invalid IP address in add-host: ${JSON.stringify(address)}`);
  }
  return `${host}:${address}`;
});

/** Without a zone, as Go's net.ParseIP. */
const isAddress = (text: string) => ipVersion(text.trim()) !== 0 && !text.includes('%');

/** --dns */
export const nameserver: Kind<string[]> = several('list', (value) => {
  if (!isAddress(value)) throw invalid(`IP address is not correctly formatted: ${value}`);
  return value.trim();
});

/** --dns-search: a domain, or `.` for none. */
export const searchDomain: Kind<string[]> = several('list', (value) => {
  const domain = value.replace(/^ +| +$/g, '');
  if (domain === '.') return domain;
  const labels =
    /^(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*\.?$/;
  if (!/[a-zA-Z]/.test(domain) || !labels.test(domain) || domain.length >= 255) {
    throw invalid(`${domain} is not a valid domain`);
  }
  return domain.replace(/\.$/, '');
});

/** What belongs to a namespace, so that a container may have its own. */
const SYSCTL = /^(?:kernel\.(?:msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced)|net\..*|fs\.mqueue\..*)$/;

/** --sysctl */
export const sysctl: Kind<Record<string, string>> = {
  ...map,
  read: (value, before) => {
    if (!SYSCTL.test(value.slice(0, Math.max(value.indexOf('='), 0)))) {
      throw invalid(`sysctl '${value}' is not allowed`);
    }
    return map.read(value, before);
  },
};

/** --mount */
export const mount: Kind<MountRequest[]> = several('mount', parseMountFlag);

/** --link: `CONTAINER` or `CONTAINER:ALIAS`. */
export const link: Kind<string[]> = several('list', (value) => {
  if (value === '') throw invalid('empty string specified for links');
  if (value.split(':').length > 2) throw invalid(`bad format for links: ${value}`);
  return value;
});
