/** The flags of build become a request, before anything is read or asked for. Errors are in buildx's words. */
import { WherryError } from '#base/error.ts';
import { given } from '#base/given.ts';
import { parseBool } from '#base/units.ts';
import { settleGrants } from '#build/grants.ts';
import {
  type AttestOption,
  type OutputOption,
  readAnnotation,
  readAttest,
  readCache,
  readContextName,
  readNetwork,
  readOutput,
  readPairs,
  readPlatforms,
  readProvenance,
  readSecret,
  readSsh,
  shortAttests,
} from '#build/options.ts';
import { imageForm, switchOf } from '#build/output-options.ts';
import type { BuildOutput, BuildRequest } from '#build/request.ts';
import type { BUILD_FLAGS } from '#cli/build/flags.ts';
import type { Values } from '#cli/command.ts';
import type { Wanted } from '#engine/build-wanted.ts';

export type BuildValues = Values<typeof BUILD_FLAGS>;

const invalid = (reason: string, hint?: string) =>
  new WherryError('invalid', reason, hint === undefined ? {} : { hint });

export function wantedOf(values: BuildValues): Wanted {
  const buildArgs = readPairs(values.buildArg, process.env);
  const attests = attestsOf(values);
  const options = optionsOf(values);
  const { annotations, packing, keepsTimes } = imageForm(options);
  return {
    target: values.target ?? '',
    buildArgs,
    labels: readPairs(values.label),
    annotations: [...annotations, ...values.annotation.flatMap(readAnnotation)],
    platforms: readPlatforms(values.platform),
    noCache: values.noCache,
    noCacheFilter: values.noCacheFilter.flatMap((names) => names.split(',')),
    pull: values.pull,
    network: readNetwork(values.network),
    hosts: values.addHost,
    ulimits: values.ulimit.map(({ Name, Soft, Hard }) => ({ name: Name, soft: Soft, hard: Hard })),
    limits: limitsOf(values),
    securityOptions: values.securityOpt,
    allow: values.network === 'host' ? [...values.allow, 'network.host'] : values.allow,
    ...settleGrants({ secrets: values.secret.flatMap(readSecret), ssh: values.ssh.map(readSsh) }, process.env),
    outputs: options.map((option) => outputOf(option, values.tag)),
    cacheFrom: values.cacheFrom.flatMap(readCache),
    cacheTo: cacheTo(values, buildArgs),
    ...given({
      packing,
      keepsTimes,
      shmSize: values.shmSize || undefined,
      cgroupParent: values.cgroupParent || undefined,
      provenance: readProvenance(attests),
      epoch: epochOf(values.timestamp ?? buildArgs.SOURCE_DATE_EPOCH ?? process.env.SOURCE_DATE_EPOCH),
    }),
  };
}

function limitsOf(values: BuildValues): BuildRequest['limits'] {
  const { memory, memorySwap, cpuShares, cpuPeriod, cpuQuota, cpusetCpus, cpusetMems } = values;
  return given({ memory, memorySwap, cpuShares, cpuPeriod, cpuQuota, cpusetCpus, cpusetMems });
}

/** The short forms come after --attest. */
const attestsOf = ({ attest, provenance, sbom }: BuildValues): AttestOption[] => [
  ...attest.map(readAttest),
  ...shortAttests({ provenance, sbom }),
];

/** Seconds. */
function epochOf(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  if (!/^\d{1,12}$/.test(text)) throw invalid(`invalid SOURCE_DATE_EPOCH: ${text}`, 'Give seconds since 1970');
  return Number(text);
}

function cacheTo(values: BuildValues, buildArgs: Readonly<Record<string, string>>): BuildRequest['cacheTo'] {
  const isInline = parseBool(buildArgs.BUILDKIT_INLINE_CACHE ?? '') === true;
  return [...values.cacheTo.flatMap(readCache), ...(isInline ? [{ type: 'inline' }] : [])];
}

/** Names are checked where they are made. */
function optionsOf({ output, load, push }: BuildValues): OutputOption[] {
  const options = output.filter((one) => one !== '').map(readOutput);
  if (push) turnOn(options, 'registry');
  if (load) turnOn(options, 'docker');
  return options.length === 0 ? [readOutput('type=image')] : options;
}

/** --push turns an image's output into a pushed one, and adds one where there is none; --load likewise. */
function turnOn(options: OutputOption[], type: 'registry' | 'docker'): void {
  const found = options.find((option) => option.type === 'image' || option.type === type);
  if (found === undefined) options.push({ type, attributes: {} });
  else if (type === 'registry') found.attributes.push = 'true';
}

function outputOf(option: OutputOption, tags: readonly string[]): BuildOutput {
  const { type, attributes } = option;
  const names = tags.length > 0 ? [...tags] : (attributes.name ?? '').split(',').filter((name) => name !== '');
  switch (type) {
    case 'image':
    case 'registry':
      return imageOf(option, type, names);
    case 'docker':
    case 'oci':
      return archiveOf(option, type, names);
    case 'local':
    case 'tar': {
      const { dest } = option;
      if (dest === undefined && type === 'local') throw invalid('dest is required for local exporter');
      if (dest === '-' && type === 'local') throw invalid('dest cannot be stdout for local exporter');
      const split = parseBool(attributes['platform-split'] ?? '');
      return { type, dest: dest ?? '-', ...given({ platformSplit: split }) };
    }
    case 'cacheonly':
      return { type };
    default:
      throw invalid(
        `failed to solve: exporter "${type}" could not be found`,
        'Use image, registry, docker, oci, tar or local',
      );
  }
}

function imageOf({ attributes }: OutputOption, type: 'image' | 'registry', names: string[]): BuildOutput {
  const isOn = (key: string) => switchOf(attributes, key) === true;
  const push = type === 'registry' || isOn('push');
  if (push && names.length === 0) throw invalid('tag is needed when pushing to registry');
  const byDigest = isOn('push-by-digest') && push;
  const tagged = byDigest ? names.find((name) => /:[^/]*$/.test(name)) : undefined;
  if (tagged !== undefined) throw invalid(`failed to solve: can't push tagged ref ${tagged} by digest`);
  const stored = switchOf(attributes, 'store') === false ? (false as const) : undefined;
  const canonical = isOn('name-canonical') && !byDigest && stored !== false;
  const more = { byDigest: byDigest || undefined, stored, canonical: canonical || undefined };
  return { type: 'image', names, push, ...given({ ...more, inline: switchOf(attributes, 'attestation-inline') }) };
}

/** Without a destination `docker` goes into the store, and `oci` to standard output. */
function archiveOf({ dest, attributes }: OutputOption, type: 'docker' | 'oci', names: string[]): BuildOutput {
  const tar = switchOf(attributes, 'tar') !== false;
  if (dest === undefined && type === 'docker') {
    return { type: 'image', names, push: false };
  }
  if (!tar && (dest === undefined || dest === '-')) throw invalid(`dest is required for ${type} exporter`);
  return { type, dest: dest ?? '-', names, tar, ...given({ inline: switchOf(attributes, 'attestation-inline') }) };
}

/** `--build-context` flags, by name. */
export function namedContexts(values: readonly string[]): Record<string, string> {
  return Object.fromEntries(values.filter((value) => value !== '').map(readContextName));
}
