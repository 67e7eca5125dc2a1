/**
 * Provenance: what an image was built from, as an in-toto statement with SLSA's predicate 0.2, as BuildKit writes it
 * (docs/attestations/slsa-definitions.md). Pure. BuildKit's own graph (LLB) is not in ours: mode=max has the arguments, the
 * Dockerfile and the places of its steps.
 */
import type { BuildRequest } from '#build/request.ts';
import type { Plan } from '#build/vertex.ts';
import type { Platform } from '#oci/manifest.ts';
import { formatPlatform } from '#oci/platform.ts';
import { familiarName, parseReference, withDefaultTag } from '#oci/reference.ts';

/** An image or file that went into a build. */
export interface Material {
  uri: string;
  digest: { sha256: string };
}

export interface BuildTimes {
  /** The build's reference. */
  id: string;
  /** Milliseconds since the epoch. */
  started: number;
  finished: number;
}

export const PREDICATE = 'https://slsa.dev/provenance/v0.2';
const BUILD_TYPE = 'https://mobyproject.org/buildkit@v1';

/** `pkg:docker/busybox@latest?platform=linux%2Famd64` (package-url, type docker). */
export function packageUrl(name: string, platform: Platform): string {
  const reference = withDefaultTag(parseReference(name));
  const tag = reference.tag === undefined ? '' : `@${reference.tag}`;
  return `pkg:docker/${familiarName(reference)}${tag}?platform=${encodeURIComponent(formatPlatform(platform))}`;
}

/** The predicate as --metadata-file has it: without dates, which the file's own record has. */
export function predicateOf(request: BuildRequest, platform: Platform, materials: readonly Material[]) {
  const { dockerfile, secrets, ssh } = request;
  const asked = (list: readonly { id: string }[]) => list.map(({ id }) => ({ id, optional: true }));
  return {
    builder: { id: '' },
    buildType: BUILD_TYPE,
    ...(materials.length === 0 ? {} : { materials }),
    invocation: {
      configSource: { entryPoint: dockerfile.name },
      parameters: {
        frontend: 'dockerfile.v0',
        args: argumentsOf(request),
        ...(secrets.length === 0 ? {} : { secrets: asked(secrets) }),
        ...(ssh.length === 0 ? {} : { ssh: asked(ssh) }),
        locals: [{ name: 'context' }, { name: 'dockerfile' }],
      },
      environment: { platform: formatPlatform(platform) },
    },
  };
}

function argumentsOf({ buildArgs, labels, target, noCache }: BuildRequest): Record<string, string> {
  const prefixed = (prefix: string, pairs: Readonly<Record<string, string>>) =>
    Object.entries(pairs).map(([key, value]): [string, string] => [`${prefix}:${key}`, value]);
  const all: [string, string][] = [
    ...prefixed('build-arg', buildArgs),
    ...prefixed('label', labels),
    ...(noCache ? ([['no-cache', '']] as [string, string][]) : []),
    ...(target === '' ? [] : ([['target', target]] as [string, string][])),
  ];
  return Object.fromEntries(all.sort(([one], [other]) => (one < other ? -1 : 1)));
}

interface Subject {
  names: readonly string[];
  platform: Platform;
  /** Of the image's manifest. */
  digest: string;
}

export interface Statement {
  subject: Subject;
  materials: readonly Material[];
  times: BuildTimes;
  plan: Plan;
}

/** The statement about one image; `mode` says whether values that were given are told. */
export function statementOf(request: BuildRequest, { subject, materials, times, plan }: Statement): object {
  const mode = request.provenance ?? 'min';
  const predicate = predicateOf(request, subject.platform, materials);
  const { parameters } = predicate.invocation;
  const told = mode === 'max' ? parameters : { ...parameters, args: withoutValues(parameters.args) };
  const { secrets: _secrets, ssh: _ssh, ...plain } = told;
  const names = subject.names.length === 0 ? ['_'] : subject.names;
  const sha256 = subject.digest.replace('sha256:', '');
  return {
    _type: 'https://in-toto.io/Statement/v0.1',
    predicateType: PREDICATE,
    subject: names.map((name) => ({
      name: name === '_' ? name : packageUrl(name, subject.platform),
      digest: { sha256 },
    })),
    predicate: {
      ...predicate,
      invocation: { ...predicate.invocation, parameters: mode === 'max' ? told : plain },
      metadata: {
        buildInvocationID: times.id,
        buildStartedOn: new Date(times.started).toISOString(),
        buildFinishedOn: new Date(times.finished).toISOString(),
        completeness: { parameters: mode === 'max', environment: true, materials: false },
        reproducible: false,
        [`${BUILD_TYPE}#metadata`]: mode === 'max' ? { source: sourceOf(request, plan) } : {},
      },
    },
  };
}

/** Values of arguments and labels may be secret: mode=min has none. */
function withoutValues(args: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(args).filter(([key]) => !/^(?:build-arg|label):/.test(key)));
}

function sourceOf({ dockerfile }: BuildRequest, { vertices }: Plan): object {
  const locations = vertices.map(({ place = [] }, index): [string, object] => {
    const ranges = place.map(({ start, end }) => ({ start: { line: start }, end: { line: end } }));
    return [`step${index}`, ranges.length === 0 ? {} : { locations: [{ ranges }] }];
  });
  const data = Buffer.from(dockerfile.text).toString('base64');
  return {
    locations: Object.fromEntries(locations),
    infos: [{ filename: dockerfile.name, language: 'Dockerfile', data }],
  };
}
