/** The flags that run and create share. What is not here can't be given yet: no flag is taken and ignored. */
import type { Flags, Values } from '#cli/command.ts';
import { gpus } from '#cli/run-devices.ts';
import { EXTRA_FLAGS } from '#cli/run-extras.ts';
import { HEALTH_FLAGS } from '#cli/run-health.ts';
import { LIMIT_FLAGS } from '#cli/run-limits.ts';
import { NETWORK_FLAGS } from '#cli/run-network.ts';
import { environment, extraHost, label, mount, nameserver, searchDomain, stream, sysctl } from '#cli/run-values.ts';
import { boolean, bytes, integer, list, map, text } from '#cli/values.ts';

const CGROUPNS = `Cgroup namespace to use (host|private)
'host':    Run the container in the Docker host's cgroup namespace
'private': Run the container in its own private cgroup namespace
'':        Use the cgroup namespace as configured by the
           default-cgroupns-mode option on the daemon (default)`;

/** What becomes part of the request; read by requestFrom() (run-request.ts). */
export const REQUEST_FLAGS = {
  ...HEALTH_FLAGS,
  ...NETWORK_FLAGS,
  ...LIMIT_FLAGS,
  ...EXTRA_FLAGS,
  'add-host': { as: extraHost, summary: 'Add a custom host-to-IP mapping (host:ip)' },
  annotation: { as: map, summary: 'Add an annotation to the container (passed through to the OCI runtime)' },
  attach: { short: 'a', as: stream, summary: 'Attach to STDIN, STDOUT or STDERR' },
  'cap-add': { as: list, summary: 'Add Linux capabilities' },
  'cap-drop': { as: list, summary: 'Drop Linux capabilities' },
  cgroupns: { as: text, summary: CGROUPNS },
  cidfile: { as: text, summary: 'Write the container ID to the file' },
  device: { as: list, summary: 'Add a host device to the container' },
  'disable-content-trust': { as: boolean, default: 'true', summary: 'Skip image verification' },
  dns: { as: nameserver, summary: 'Set custom DNS servers' },
  'dns-opt': { as: list, summary: 'Set DNS options', hidden: true },
  'dns-option': { as: list, summary: 'Set DNS options' },
  'dns-search': { as: searchDomain, summary: 'Set custom DNS search domains' },
  domainname: { as: text, summary: 'Container NIS domain name' },
  entrypoint: { as: text, summary: 'Overwrite the default ENTRYPOINT of the image' },
  env: { short: 'e', as: environment, summary: 'Set environment variables' },
  'env-file': { as: list, summary: 'Read in a file of environment variables' },
  expose: { as: list, summary: 'Expose a port or a range of ports' },
  gpus: { as: gpus, summary: "GPU devices to add to the container ('all' to pass all GPUs)" },
  'group-add': { as: list, summary: 'Add additional groups to join' },
  hostname: { short: 'h', as: text, summary: 'Container host name' },
  init: { as: boolean, summary: 'Run an init inside the container that forwards signals and reaps processes' },
  interactive: { short: 'i', as: boolean, summary: 'Keep STDIN open even if not attached' },
  ipc: { as: text, summary: 'IPC mode to use' },
  label: { short: 'l', as: label, summary: 'Set meta data on a container' },
  'label-file': { as: list, summary: 'Read in a line delimited file of labels' },
  'log-driver': { as: text, summary: 'Logging driver for the container' },
  'log-opt': { as: list, summary: 'Log driver options' },
  mount: { as: mount, summary: 'Attach a filesystem mount to the container' },
  name: { as: text, summary: 'Assign a name to the container' },
  pid: { as: text, summary: 'PID namespace to use' },
  platform: { as: text, summary: 'Set platform if server is multi-platform capable' },
  privileged: { as: boolean, summary: 'Give extended privileges to this container' },
  publish: { short: 'p', as: list, summary: "Publish a container's port(s) to the host" },
  'publish-all': { short: 'P', as: boolean, summary: 'Publish all exposed ports to random ports' },
  'read-only': { as: boolean, summary: "Mount the container's root filesystem as read only" },
  restart: { as: text, default: 'no', summary: 'Restart policy to apply when a container exits' },
  rm: {
    as: boolean,
    summary: 'Automatically remove the container and its associated anonymous volumes when it exits',
  },
  runtime: { as: text, summary: 'Runtime to use for this container' },
  'security-opt': { as: list, summary: 'Security Options' },
  'shm-size': { as: bytes, summary: 'Size of /dev/shm' },
  'stop-signal': { as: text, summary: 'Signal to stop the container' },
  'stop-timeout': { as: integer, summary: 'Timeout (in seconds) to stop a container' },
  sysctl: { as: sysctl, summary: 'Sysctl options' },
  tmpfs: { as: list, summary: 'Mount a tmpfs directory' },
  tty: { short: 't', as: boolean, summary: 'Allocate a pseudo-TTY' },
  'use-api-socket': { as: boolean, summary: 'Bind mount Docker API socket and required auth' },
  user: { short: 'u', as: text, summary: 'Username or UID (format: <name|uid>[:<group|gid>])' },
  userns: { as: text, summary: 'User namespace to use' },
  uts: { as: text, summary: 'UTS namespace to use' },
  volume: { short: 'v', as: list, summary: 'Bind mount a volume' },
  'volume-driver': { as: text, summary: 'Optional volume driver for the container' },
  'volumes-from': { as: list, summary: 'Mount volumes from the specified container(s)' },
  workdir: { short: 'w', as: text, summary: 'Working directory inside the container' },
} as const satisfies Flags;

export type RequestValues = Values<typeof REQUEST_FLAGS>;

/** How the image is got; read by create() (create-container.ts). Docker's help says "before creating" for create. */
export const imageFlags = (before: 'creating' | 'running') =>
  ({
    pull: { as: text, default: 'missing', summary: `Pull image before ${before} ("always", "missing", "never")` },
    quiet: { short: 'q', as: boolean, summary: 'Suppress the pull output' },
    replace: { as: boolean, summary: 'If a container with the same name exists, replace it' },
  }) as const satisfies Flags;
