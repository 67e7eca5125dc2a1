/** The request as the daemon would take it: checked in Docker's order and words, defaults filled in. */
import { posix } from 'node:path';
import { ipVersion } from '#base/address.ts';
import type { Config, CreateRequest, HealthConfig, HostConfig, RestartPolicy } from '#base/api.ts';
import { WherryError } from '#base/error.ts';
import { parseNetworkMode } from '#base/network-mode.ts';
import { normalize } from '#container/capabilities.ts';
import { type Facts, hostFacts } from '#container/facts.ts';
import { checkIsolation, checkPlace, settleDeviceRules, settleLimits } from '#container/limits-check.ts';
import { checkLogConfig } from '#container/log-options.ts';
import { findContainer } from '#container/names.ts';
import { hiddenPaths, maskedPaths, READONLY_PATHS, readSecurity } from '#container/security.ts';
import { settleExtras } from '#container/settle-extras.ts';
import { parseSignal } from '#container/signals.ts';
import { findRuntime } from '#oci/runtime.ts';
import type { Store } from '#store/store.ts';

const refuse = (message: string, hint?: string) =>
  new WherryError('invalid', message, hint === undefined ? {} : { hint });

/** The request with every default in place, and what the user should know. */
export interface Settled {
  request: CreateRequest;
  warnings: string[];
}

/**
 * Checks a request before anything is made of it. `container:NAME` becomes `container:ID`; limits that this user's
 * cgroups can't hold are taken out with a warning. Throws kind `invalid`, or `not-found`, in Docker's words.
 */
export function settleRequest(store: Store, request: CreateRequest, facts: Facts = hostFacts(store)): Settled {
  const host: HostConfig = { ...request.hostConfig };
  checkIsolation(host);
  const config = settleConfig(request.config);
  checkHost(host, facts, config.Tty);
  const warnings = [...settleLimits(host, facts.cgroup), ...settleDeviceRules(host, facts.userns.initial)];
  checkModes(host);
  checkPlace(host, facts.cgroup);
  checkShared(config, host);
  if (host.NetworkMode === 'host' && Object.keys(host.PortBindings).length > 0) {
    warnings.push('Published ports are discarded when using host network mode');
  }
  if (host.VolumeDriver && (host.Mounts ?? []).some(({ Type }) => Type === 'volume')) {
    const instead = "Use '--mount type=volume,volume-driver=...' instead";
    const ignored = "the container-wide volume-driver configuration is ignored for volumes specified via 'mount'";
    warnings.push(`WARNING: ${ignored}. ${instead}`);
  }
  if (!facts.userns.initial && host.OomScoreAdj < facts.oomScoreAdj && host.OomScoreAdj !== 0) {
    warnings.push(`Only root may lower the OOM score: ${facts.oomScoreAdj} is used instead of ${host.OomScoreAdj}`);
  }
  if (!facts.userns.initial && !host.Privileged) warnings.push(...deviceWarnings(host.Devices));
  fillIn(store, host, facts);
  const extras = settleExtras(store, request, host, facts);
  return {
    request: {
      ...request,
      config,
      hostConfig: host,
      networks: settleNetworks(host, request),
      ...(extras === undefined ? {} : { extras }),
    },
    warnings,
  };
}

/** Only root's cgroups can hold back who may open the node itself. */
function deviceWarnings(devices: HostConfig['Devices']): string[] {
  return devices
    .filter(({ CgroupPermissions: access }) => !access.includes('r') || !access.includes('w'))
    .map(
      ({ PathInContainer, CgroupPermissions }) =>
        `Without root the permissions "${CgroupPermissions}" of ${PathInContainer} limit nothing: those of the host's device count`,
    );
}

const LONGEST_HOSTNAME = 64;

/** Docker's least: a millisecond. */
const SHORTEST = 1e6;

/** The times of a health check; what is 0 or absent is the image's, or the default. */
function checkHealthcheck(check: HealthConfig): void {
  for (const name of ['Interval', 'Timeout', 'StartPeriod', 'StartInterval'] as const) {
    const value = check[name] ?? 0;
    if (value !== 0 && value < SHORTEST) throw refuse(`${name} in Healthcheck cannot be less than 1ms`);
    if (name === 'Timeout' && (check.Retries ?? 0) < 0) throw refuse('Retries in Healthcheck cannot be negative');
  }
}

function settleConfig(config: Config): Config {
  const { WorkingDir: directory, StopSignal: signal, Hostname: hostname } = config;
  if (directory !== '' && !directory.startsWith('/')) {
    throw refuse(`the working directory '${directory}' is invalid, it needs to be an absolute path`);
  }
  // Any number goes, as with Docker: the kernel decides when it is sent.
  if (signal && !/^[+-]?\d*[1-9]\d*$/.test(signal)) parseSignal(signal);
  const nameless = config.Env.find((entry) => entry === '' || entry.startsWith('='));
  if (nameless !== undefined) throw refuse(`invalid environment variable: ${nameless}`);
  if (Buffer.byteLength(hostname) > LONGEST_HOSTNAME) {
    throw refuse(`hostname "${hostname}" is too long (maximum ${LONGEST_HOSTNAME} bytes)`);
  }
  checkHealthcheck(config.Healthcheck ?? {});
  return { ...config, WorkingDir: directory && posix.resolve(directory) };
}

function checkHost(host: HostConfig, facts: Facts, tty: boolean): void {
  if (host.AutoRemove && !['', 'no'].includes(host.RestartPolicy.Name)) {
    throw refuse("can't create 'AutoRemove' container with restart policy");
  }
  checkNames(host);
  checkRestartPolicy(host.RestartPolicy);
  host.CapAdd = host.CapAdd && normalize(host.CapAdd, facts.capabilities, 'CapAdd');
  host.CapDrop = host.CapDrop && normalize(host.CapDrop, facts.capabilities, 'CapDrop');
  if (Object.keys(host.Annotations ?? {}).includes('')) {
    throw refuse('invalid Annotations: the empty string is not permitted as an annotation key');
  }
  readSecurity(host.SecurityOpt ?? []);
  checkLogConfig(host.LogConfig, tty);
}

/** What is written into hosts and resolv.conf; flags are checked by their own rules, requests of compose here. */
function checkNames({ ExtraHosts: hosts, Dns: servers }: HostConfig): void {
  for (const entry of hosts ?? []) {
    const address = entry.slice(entry.indexOf(':') + 1).replace(/^\[(.+)\]$/, '$1');
    if (address !== 'host-gateway' && ipVersion(address) === 0) {
      throw refuse(`invalid IP address in add-host: ${JSON.stringify(address)}`);
    }
  }
  const wrong = (servers ?? []).find((server) => ipVersion(server) === 0);
  if (wrong === undefined) return;
  throw refuse(`bad nameserver address ${wrong}: ParseAddr(${JSON.stringify(wrong)}): unable to parse IP`);
}

export function checkRestartPolicy({ Name: name, MaximumRetryCount: count }: RestartPolicy): void {
  const invalid = (why: string) => refuse(`invalid restart policy: ${why}`);
  if (!['', 'no', 'always', 'unless-stopped', 'on-failure'].includes(name)) {
    throw invalid(`unknown policy '${name}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'`);
  }
  if (name !== 'on-failure' && count !== 0) {
    throw invalid("maximum retry count can only be used with 'on-failure'");
  }
  if (count < 0) throw invalid('maximum retry count cannot be negative');
}

/** `container:` and a name. */
const OTHER = /^container:(.+)$/;

function checkModes(host: HostConfig): void {
  const valid = (mode: string, words: string[]) => words.includes(mode) || OTHER.test(mode);
  if (host.NetworkMode === 'container:') {
    throw refuse('invalid network mode: invalid container format container:<name|id>');
  }
  if (host.IpcMode === 'container:') throw refuse('failed to join IPC namespace: invalid name or ID supplied: ""');
  if (!valid(host.IpcMode, ['', 'none', 'private', 'shareable', 'host'])) {
    throw refuse(`invalid IPC mode: ${host.IpcMode}`);
  }
  if (!valid(host.PidMode, ['', 'host', 'private'])) throw refuse(`invalid PID mode: ${host.PidMode}`);
  if (host.ShmSize < 0) throw refuse('SHM size can not be less than 0');
  if (!valid(host.UTSMode, ['', 'host', 'private'])) throw refuse(`invalid UTS mode: ${host.UTSMode}`);
  if (host.OomScoreAdj < -1000 || host.OomScoreAdj > 1000) {
    throw refuse(`Invalid value ${host.OomScoreAdj}, range for oom score adj is [-1000, 1000]`);
  }
  if (!valid(host.CgroupnsMode, ['', 'private', 'host'])) {
    throw refuse(`invalid cgroup namespace mode: ${host.CgroupnsMode}`);
  }
}

/** What can't be a container's own where it shares another's network or names. */
function checkShared(config: Config, host: HostConfig): void {
  const conflict = (what: string) => refuse(`conflicting options: ${what}`);
  if (/^(host|container:.*)$/.test(host.UTSMode) && config.Hostname !== '') {
    throw conflict('hostname and the UTS mode');
  }
  if (host.NetworkMode === 'host' && host.Links?.length)
    throw conflict("host type networking can't be used with links. This would result in undefined behavior");
  if (!OTHER.test(host.NetworkMode)) return;
  if (config.Hostname !== '') throw conflict('hostname and the network mode');
  if (host.Links?.length)
    throw conflict("container type network can't be used with links. This would result in undefined behavior");
  if (host.Dns.length > 0) throw conflict('dns and the network mode');
  if (host.ExtraHosts?.length) throw conflict('custom host-to-IP mapping and the network mode');
  if (Object.keys(host.PortBindings).length > 0 || host.PublishAllPorts) {
    throw conflict('port publishing and the container type network mode');
  }
  if (Object.keys(config.ExposedPorts ?? {}).length > 0) {
    throw conflict('port exposing and the container type network mode');
  }
}

const DEFAULT_SHM = 64 * 1024 * 1024;

/** `default` is the bridge; a network that the mode alone names is one to join. */
function settleNetworks(host: HostConfig, { networks }: CreateRequest): CreateRequest['networks'] {
  if (host.NetworkMode === '' || host.NetworkMode === 'default') host.NetworkMode = 'bridge';
  const { default: byDefault, ...named } = networks;
  if (parseNetworkMode(host.NetworkMode).kind !== 'own') return {};
  if (Object.hasOwn(named, host.NetworkMode)) return named;
  return { [host.NetworkMode]: byDefault ?? {}, ...named };
}

function fillIn(store: Store, host: HostConfig, { cgroup }: Facts): void {
  const byId = (mode: string) => {
    const name = OTHER.exec(mode)?.[1];
    return name === undefined ? mode : `container:${findContainer(store, name).id}`;
  };
  // podman's word for what Docker does unasked.
  const own = (mode: string) => (mode === 'private' ? '' : byId(mode));
  host.PidMode = own(host.PidMode);
  host.UTSMode = own(host.UTSMode);
  host.UsernsMode = byId(host.UsernsMode);
  host.CgroupnsMode = byId(host.CgroupnsMode);
  host.IpcMode = host.IpcMode === '' ? 'private' : byId(host.IpcMode);
  host.NetworkMode = tolerant(() => byId(host.NetworkMode)) ?? host.NetworkMode;
  if (host.ShmSize === 0) host.ShmSize = DEFAULT_SHM;
  if (host.CgroupnsMode === '') host.CgroupnsMode = cgroup.version === 2 ? 'private' : 'host';
  if (host.RestartPolicy.Name === ('' as string)) host.RestartPolicy = { ...host.RestartPolicy, Name: 'no' };
  if (host.LogConfig.Type === '') host.LogConfig = { ...host.LogConfig, Type: 'json-file' };
  const runtime = findRuntime(host.Runtime);
  if (host.Runtime === '') host.Runtime = runtime.kind === 'other' ? runtime.path : runtime.kind;
  if (host.Privileged) return;
  const { masked, readonly } = hiddenPaths(readSecurity(host.SecurityOpt ?? []), {
    masked: host.MaskedPaths ?? maskedPaths(),
    readonly: host.ReadonlyPaths ?? READONLY_PATHS,
  });
  host.MaskedPaths = masked;
  host.ReadonlyPaths = readonly;
}

/** A network's owner may be made later: Docker looks for it at the start. */
function tolerant(read: () => string): string | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof WherryError && error.kind === 'not-found') return undefined;
    throw error;
  }
}
