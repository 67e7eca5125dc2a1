/** The flags of build, as buildx has them; those of the classic builder work too and are not shown. */
import type { Flags } from '#cli/command.ts';
import { boolean, bytes, integer, listOf, strings, swapBytes, text, ulimit } from '#cli/values.ts';

const array = listOf('stringArray');

export const BUILD_FLAGS = {
  'add-host': { as: strings, summary: 'Add a custom host-to-IP mapping (format: "host:ip")' },
  allow: {
    as: array,
    summary: 'Allow extra privileged entitlement (e.g., "network.host", "security.insecure", "device")',
  },
  annotation: { as: array, summary: 'Add annotation to the image' },
  attest: { as: array, summary: 'Attestation parameters (format: "type=sbom,generator=image")' },
  'build-arg': { as: array, summary: 'Set build-time variables' },
  'build-context': { as: array, summary: 'Additional build contexts (e.g., name=path)' },
  builder: { as: text, summary: 'Override the configured builder instance' },
  'cache-from': {
    as: array,
    summary: 'External cache sources (e.g., "user/app:cache", "type=local,src=path/to/dir")',
  },
  'cache-to': {
    as: array,
    summary: 'Cache export destinations (e.g., "user/app:cache", "type=local,dest=path/to/dir")',
  },
  call: {
    as: text,
    default: 'build',
    summary: 'Set method for evaluating build ("check", "outline", "targets")',
  },
  'cgroup-parent': { as: text, summary: 'Set the parent cgroup for the "RUN" instructions during build' },
  check: { as: boolean, summary: 'Shorthand for "--call=check"' },
  debug: { short: 'D', as: boolean, summary: 'Enable debug logging' },
  file: { short: 'f', as: text, summary: 'Name of the Dockerfile (default: "PATH/Dockerfile")' },
  iidfile: { as: text, summary: 'Write the image ID to a file' },
  label: { as: array, summary: 'Set metadata for an image' },
  load: { as: boolean, summary: 'Shorthand for "--output=type=docker"' },
  'metadata-file': { as: text, summary: 'Write build result metadata to a file' },
  network: {
    as: text,
    default: 'default',
    summary: 'Set the networking mode for the "RUN" instructions during build',
  },
  'no-cache': { as: boolean, summary: 'Do not use cache when building the image' },
  'no-cache-filter': { as: array, summary: 'Do not cache specified stages' },
  output: { short: 'o', as: array, summary: 'Output destination (format: "type=local,dest=path")' },
  platform: { as: array, summary: 'Set target platform for build' },
  progress: {
    as: text,
    default: 'auto',
    summary:
      'Set type of progress output ("auto", "none",  "plain", "quiet", "rawjson", "tty"). Use plain to show container output',
  },
  provenance: { as: text, summary: 'Shorthand for "--attest=type=provenance"' },
  pull: { as: boolean, summary: 'Always attempt to pull all referenced images' },
  push: { as: boolean, summary: 'Shorthand for "--output=type=registry"' },
  quiet: { short: 'q', as: boolean, summary: 'Suppress the build output and print image ID on success' },
  sbom: { as: text, summary: 'Shorthand for "--attest=type=sbom"' },
  secret: { as: array, summary: 'Secret to expose to the build (format: "id=mysecret[,src=/local/secret]")' },
  'shm-size': { as: bytes, summary: 'Shared memory size for build containers' },
  ssh: {
    as: array,
    summary: 'SSH agent socket or keys to expose to the build (format: "default|<id>[=<socket>|<key>[,<key>]]")',
  },
  tag: { short: 't', as: array, summary: 'Name and optionally a tag (format: "name:tag")' },
  target: { as: text, summary: 'Set the target build stage to build' },
  ulimit: { as: ulimit, summary: 'Ulimit options (default [])' },
  compress: { as: boolean, summary: 'The context is read where it lies: there is nothing to compress', hidden: true },
  'cpu-period': { as: integer, summary: 'Limit the CPU CFS (Completely Fair Scheduler) period', hidden: true },
  'cpu-quota': { as: integer, summary: 'Limit the CPU CFS (Completely Fair Scheduler) quota', hidden: true },
  'cpu-shares': { short: 'c', as: integer, summary: 'CPU shares (relative weight)', hidden: true },
  'cpuset-cpus': { as: text, summary: 'CPUs in which to allow execution (0-3, 0,1)', hidden: true },
  'cpuset-mems': { as: text, summary: 'MEMs in which to allow execution (0-3, 0,1)', hidden: true },
  'disable-content-trust': { as: boolean, default: 'true', summary: 'Skip image verification', hidden: true },
  'force-rm': { as: boolean, summary: 'No container is left in any case', hidden: true },
  isolation: { as: text, summary: 'Container isolation technology', hidden: true },
  memory: { short: 'm', as: bytes, summary: 'Memory limit', hidden: true },
  'memory-swap': { as: swapBytes, summary: 'Swap limit equal to memory plus swap', hidden: true },
  rm: { as: boolean, default: 'true', summary: 'No container is left in any case', hidden: true },
  'security-opt': { as: strings, summary: 'Security options', hidden: true },
  squash: { as: boolean, summary: 'Squash newly built layers into a single new layer', hidden: true },
  timestamp: { as: text, summary: 'Seconds since 1970 that all times are set to (podman)', hidden: true },
} as const satisfies Flags;
