/**
 * Provenance: what an image was built from, as an in-toto statement with SLSA's predicate 0.2, as BuildKit writes it
 * (docs/attestations/slsa-definitions.md), or its version 1. Pure.
 */

import { formatPlatform } from '#base/platform.ts';
import { stepsOf, verticesOf } from '#build/provenance-steps.ts';
import type { BuildContext, BuildRequest } from '#build/request.ts';
import type { Plan, Vertex } from '#build/vertex.ts';
import type { Descriptor, Platform } from '#oci/manifest.ts';
import { hostPlatform } from '#oci/platform.ts';
import { familiarName, parseReference, withDefaultTag } from '#oci/reference.ts';

/** An image or file that went into a build. */
export interface Material {
  uri: string;
  digest: { sha256: string };
}

export interface BuildTimes {
  /** Of this build alone, and not the reference by which it is found: as with BuildKit. */
  id: string;
  /** Milliseconds since the epoch. */
  started: number;
  finished: number;
}

/** What is to be said, and how. */
export interface ProvenanceWish {
  mode: 'min' | 'max';
  version: 'v0.2' | 'v1';
  builderId: string;
  /** Only where an image goes to a registry, whose index can have it beside the image. */
  inlineOnly: boolean;
  reproducible: boolean;
}

export const predicateType = (version: ProvenanceWish['version']) => `https://slsa.dev/provenance/${version}`;
const BUILD_TYPE = 'https://mobyproject.org/buildkit@v1';
/** The one of version 1. */
const DEFINITIONS = 'https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md';

/** `pkg:docker/busybox@latest?platform=linux%2Famd64` (package-url, type docker). */
export function packageUrl(name: string, platform: Platform): string {
  const reference = withDefaultTag(parseReference(name));
  const tag = reference.tag === undefined ? '' : `@${reference.tag}`;
  return `pkg:docker/${familiarName(reference)}${tag}?platform=${encodeURIComponent(formatPlatform(platform))}`;
}

/** Of which target of a plan something is said, and what that was made from. */
export interface TargetAbout {
  plan: Plan;
  target: number;
  materials: readonly Material[];
}

/** The predicate as --metadata-file has it: without dates, which the file's own record has. */
export function predicateOf(request: BuildRequest, { plan, target, materials }: TargetAbout) {
  const vertices = verticesOf(plan, target).flatMap((at) => plan.vertices[at] ?? []);
  const args = argumentsOf(request);
  const secrets = grantsOf(vertices, 'secret');
  const ssh = grantsOf(vertices, 'ssh');
  const contexts = vertices.flatMap((vertex) => (vertex.op === 'local' ? [vertex.context || 'context'] : []));
  return {
    builder: { id: request.provenance?.builderId ?? '' },
    buildType: BUILD_TYPE,
    ...(materials.length === 0 ? {} : { materials }),
    invocation: {
      configSource: { entryPoint: request.dockerfile.name },
      parameters: {
        frontend: 'dockerfile.v0',
        ...(Object.keys(args).length === 0 ? {} : { args }),
        ...(secrets.length === 0 ? {} : { secrets }),
        ...(ssh.length === 0 ? {} : { ssh }),
        locals: [...new Set([...contexts, 'dockerfile'])].sort().map((name) => ({ name })),
      },
      environment: { platform: formatPlatform(hostPlatform()) },
    },
  };
}

/** What the steps may be given, whether or not it was there; required by one, it is required. */
function grantsOf(vertices: readonly Vertex[], wanted: 'secret' | 'ssh'): { id: string; optional?: true }[] {
  const required = new Map<string, boolean>();
  for (const vertex of vertices) {
    for (const { type, id = '', required: isRequired = false } of vertex.op === 'run' ? vertex.mounts : []) {
      if (type === wanted) required.set(id, isRequired || required.get(id) === true);
    }
  }
  return [...required].sort().map(([id, isRequired]) => ({ id, ...(isRequired ? {} : { optional: true as const }) }));
}

/** Of the frontend, by BuildKit's names (docs/reference/dockerfile, build/opt.go of buildx). */
function argumentsOf(request: BuildRequest): Record<string, string> {
  const { buildArgs, labels, target, noCache, noCacheFilter, network, hosts, ulimits, shmSize, contexts } = request;
  const prefixed = (prefix: string, pairs: Readonly<Record<string, string>>) =>
    Object.entries(pairs).map(([key, value]): [string, string] => [`${prefix}:${key}`, value]);
  const named = Object.entries(contexts).filter(([name]) => name !== '');
  const all: [string, string][] = [
    ...prefixed('build-arg', buildArgs),
    ...prefixed('label', labels),
    ...named.map(([name, context]): [string, string] => [`context:${name}`, contextText(name, context)]),
  ];
  if (named.length > 0) all.push(['frontend.caps', 'moby.buildkit.frontend.contexts+forward']);
  if (noCache || noCacheFilter.length > 0) all.push(['no-cache', noCacheFilter.join(',')]);
  if (target !== '') all.push(['target', target]);
  if (network !== 'default') all.push(['force-network-mode', network]);
  if (hosts.length > 0) all.push(['add-hosts', hosts.map((host) => host.replace(/[:=]/, '=')).join(',')]);
  if (ulimits.length > 0) {
    all.push(['ulimit', ulimits.map(({ name, soft, hard }) => `${name}=${soft}:${hard}`).join(',')]);
  }
  if (shmSize !== undefined) all.push(['shm-size', String(shmSize)]);
  return Object.fromEntries(all.sort(([one], [other]) => (one < other ? -1 : 1)));
}

function contextText(name: string, context: BuildContext): string {
  if (context.kind === 'image') return `docker-image://${context.reference}`;
  return context.kind === 'layout' ? `oci-layout://${name}@${context.digest}` : `local:${name}`;
}

export interface Statement extends TargetAbout {
  subject: {
    names: readonly string[];
    platform: Platform;
    /** Of the image's manifest. */
    digest: string;
  };
  times: BuildTimes;
  /** Of the image's manifest, which are the result's. */
  layers: readonly Descriptor[];
}

/** The statement about one image; its mode says whether values that were given are told. */
export function statementOf(request: BuildRequest, statement: Statement): object {
  const { names, platform, digest } = statement.subject;
  const { mode, version } = request.provenance ?? { mode: 'min', version: 'v0.2' };
  const predicate = wholePredicate(request, statement, mode);
  return {
    _type: 'https://in-toto.io/Statement/v0.1',
    predicateType: predicateType(version),
    subject: names.map((name) => ({
      name: packageUrl(name, platform),
      digest: { sha256: digest.replace('sha256:', '') },
    })),
    predicate: version === 'v1' ? asVersion1(predicate) : predicate,
  };
}

type Whole = ReturnType<typeof wholePredicate>;

/** With its dates; mode=max has the steps and the values, whatever the request says. */
export function wholePredicate(
  request: BuildRequest,
  statement: Omit<Statement, 'subject'>,
  mode: ProvenanceWish['mode'],
) {
  const predicate = predicateOf(request, statement);
  const { times } = statement;
  const { parameters } = predicate.invocation;
  const { frontend, args = {}, locals } = parameters;
  const open = withoutValues(args);
  const told = { frontend, ...(Object.keys(open).length === 0 ? {} : { args: open }), locals };
  const isWhole = mode === 'max' || Object.keys(open).length === Object.keys(args).length;
  const more = mode === 'max' ? stepsAndSource(request, statement) : { metadata: {} };
  return {
    ...predicate,
    invocation: { ...predicate.invocation, parameters: mode === 'max' ? parameters : told },
    ...(more.buildConfig === undefined ? {} : { buildConfig: more.buildConfig }),
    metadata: {
      buildInvocationID: times.id,
      buildStartedOn: new Date(times.started).toISOString(),
      buildFinishedOn: new Date(times.finished).toISOString(),
      completeness: { parameters: isWhole, environment: true, materials: false },
      reproducible: request.provenance?.reproducible ?? false,
      [`${BUILD_TYPE}#metadata`]: more.metadata,
    },
  };
}

/** Values of arguments and labels may be secret: mode=min has none. */
function withoutValues(args: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(args).filter(([key]) => !/^(?:build-arg|label):/.test(key)));
}

function stepsAndSource(
  request: BuildRequest,
  { plan, target, materials, layers }: Omit<Statement, 'subject'>,
): { buildConfig?: object; metadata: object } {
  const digests = new Map(materials.map(({ uri, digest }) => [uri, `sha256:${digest.sha256}`]));
  const { buildConfig, ids } = stepsOf(plan, target, (vertex) =>
    vertex.op === 'image' ? digests.get(packageUrl(vertex.reference.replace(/@.*$/, ''), vertex.platform)) : undefined,
  );
  const last = ids.get(plan.targets[target]?.result ?? -1);
  const result = layers.map(({ mediaType, digest, size }) => ({ mediaType, digest, size }));
  return {
    buildConfig,
    metadata: {
      source: sourceOf(request, plan, ids),
      ...(last === undefined || layers.length === 0 ? {} : { layers: { [`${last}:0`]: [result] } }),
    },
  };
}

function sourceOf({ dockerfile }: BuildRequest, { vertices }: Plan, ids: ReadonlyMap<number, string>): object {
  const locations = [...ids].map(([at, id]): [string, object] => {
    const ranges = (vertices[at]?.place ?? []).map(({ start, end }) => ({
      start: { line: start },
      end: { line: end },
    }));
    return [id, ranges.length === 0 ? {} : { locations: [{ ranges }] }];
  });
  const data = Buffer.from(dockerfile.text).toString('base64');
  return {
    locations: Object.fromEntries(locations),
    infos: [{ filename: dockerfile.name, language: 'Dockerfile', data }],
  };
}

/** The same as SLSA's version 1 has it (ConvertToSLSA1 of BuildKit). */
function asVersion1(predicate: Whole): object {
  const { builder, materials, invocation, buildConfig, metadata } = predicate;
  const { parameters, configSource, environment } = invocation;
  const { completeness, reproducible } = metadata;
  return {
    buildDefinition: {
      buildType: DEFINITIONS,
      ...(materials === undefined ? {} : { resolvedDependencies: materials }),
      externalParameters: { configSource: { path: configSource.entryPoint }, request: parameters },
      internalParameters: {
        ...(buildConfig === undefined ? {} : { buildConfig }),
        builderPlatform: environment.platform,
      },
    },
    runDetails: {
      builder,
      metadata: {
        invocationId: metadata.buildInvocationID,
        startedOn: metadata.buildStartedOn,
        finishedOn: metadata.buildFinishedOn,
        buildkit_metadata: metadata[`${BUILD_TYPE}#metadata`],
        buildkit_completeness: { request: completeness.parameters, resolvedDependencies: completeness.materials },
        ...(reproducible ? { buildkit_reproducible: true } : {}),
      },
    },
  };
}
