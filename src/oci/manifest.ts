/**
 * The OCI image specification and Docker's schema 2 as types, and the checks that foreign documents pass before
 * anything in them is believed. This room knows the three specifications and no path of ours.
 */
import type { HealthConfig } from '#base/api.ts';
import { WherryError } from '#base/error.ts';
import {
  brief,
  CONFIG,
  DEFAULTS,
  DESCRIPTOR,
  DOCUMENT,
  isObject,
  type Json,
  malformedField,
  parsedObject,
} from '#oci/shape.ts';

/** image-spec, descriptor.md */
export interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
  annotations?: Record<string, string>;
  artifactType?: string;
  platform?: Platform;
  urls?: string[];
  /** The content itself, as base64. */
  data?: string;
}

export interface Platform {
  os: string;
  architecture: string;
  variant?: string;
  'os.version'?: string;
  'os.features'?: string[];
}

/** image-spec, manifest.md; Docker's schema 2 has the same fields. */
export interface Manifest {
  schemaVersion: 2;
  mediaType?: string;
  artifactType?: string;
  config: Descriptor;
  layers: Descriptor[];
  annotations?: Record<string, string>;
}

/** image-spec, image-index.md; Docker's manifest list has the same fields. */
export interface Index {
  schemaVersion: 2;
  mediaType?: string;
  manifests: Descriptor[];
  annotations?: Record<string, string>;
}

/** image-spec, config.md: what an image says about the containers made from it. */
export interface ContainerDefaults {
  User?: string;
  ExposedPorts?: Record<string, object>;
  Env?: string[] | null;
  Entrypoint?: string[] | null;
  Cmd?: string[] | null;
  Volumes?: Record<string, object> | null;
  WorkingDir?: string;
  Labels?: Record<string, string> | null;
  StopSignal?: string;
  /** Docker's additions. */
  ArgsEscaped?: boolean;
  Healthcheck?: HealthConfig;
  OnBuild?: string[] | null;
  Shell?: string[] | null;
}

export interface ImageConfig extends Platform {
  created?: string;
  author?: string;
  config?: ContainerDefaults;
  rootfs: { type: string; diff_ids: string[] };
  history?: { created?: string; created_by?: string; author?: string; comment?: string; empty_layer?: boolean }[];
  /** Docker's additions. */
  docker_version?: string;
  /** Records of the cache that an image was built with (BuildKit). */
  'moby.buildkit.cache.v0'?: string;
}

/** Annotations of a manifest that is said about another one of its index (BuildKit, attestation-storage.md). */
export const REFERENCE = { digest: 'vnd.docker.reference.digest', type: 'vnd.docker.reference.type' } as const;

export const MEDIA = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar',
  dockerList: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerConfig: 'application/vnd.docker.container.image.v1+json',
} as const;

/** What a registry is asked for; schema 1 is left out, so that a registry with both sends the other. */
export const ACCEPTED: string = [MEDIA.index, MEDIA.manifest, MEDIA.dockerList, MEDIA.dockerManifest].join(', ');

/** Docker's and containerd's bound for a manifest or index; a configuration may have the same. */
export const MAX_DOCUMENT = 4 * 1024 * 1024;

/** Docker's bound: more layers than the kernel's mount options could ever name. */
const MAX_LAYERS = 127;
const MAX_MANIFESTS = 4096;

/** What Docker takes for a part of an image, whatever it is called below these; the last ones are of old pushers. */
const IMAGE_TYPE =
  /^(?:application\/vnd\.(?:oci\.image|docker)(?:\..*)?|application\/octet-stream|application\/json|text\/html|)$/is;

/** In manifests of its own, Docker takes these configurations alone. */
const DOCKER_CONFIGS = [
  MEDIA.dockerConfig,
  MEDIA.config,
  'application/octet-stream',
  'application/json',
  'text/html',
  '',
];

/** A digest by an algorithm that the specification registers (image-spec, descriptor.md). */
export function isDigest(text: unknown): text is string {
  return typeof text === 'string' && /^(?:sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128})$/.test(text);
}

/** A document that was read, told apart. */
export type Document = { kind: 'manifest'; manifest: Manifest } | { kind: 'index'; index: Index };

/** The manifest of an image, or an index. Throws as parseAny(), and kind `unsupported` for what is no container image. */
export function parseDocument(bytes: Buffer, mediaType: string, name: string): Document {
  const document = parseAny(bytes, mediaType, name);
  if (document.kind === 'manifest') checkImage(document.manifest, mediaType, name);
  return document;
}

/**
 * Reads a manifest or an index of whatever is there: attestations and charts have them as well. What it is stands in the
 * document itself; mediaType (the registry's Content-Type, or the descriptor's) decides only where the document doesn't
 * say, and must not contradict it. Throws kind `unsupported` for schema 1, kind `corrupt` for everything malformed.
 */
export function parseAny(bytes: Buffer, mediaType: string, name: string): Document {
  const json = parsedObject(bytes, `the manifest of "${name}"`);
  refuseSchema1(json, mediaType, name);
  const wrong = malformedField(json, DOCUMENT);
  if (wrong !== undefined) throw malformed(name, `it has malformed ${wrong}`);
  for (const key of Object.keys(DOCUMENT)) if (json[key] === null) delete json[key];
  const stated = typeof json.mediaType === 'string' ? json.mediaType : mediaType;
  // A document that could be read both ways is an attack (CVE-2021-41190).
  if (json.manifests !== undefined && (json.layers !== undefined || json.config !== undefined)) {
    throw malformed(name, 'it is a manifest and an index at once');
  }
  const isIndex = json.manifests !== undefined || stated === MEDIA.index || stated === MEDIA.dockerList;
  if (json.schemaVersion !== 2) throw malformed(name, `its schemaVersion is ${brief(json.schemaVersion)}`);
  if (isIndex) return { kind: 'index', index: checkIndex(json, name) };
  return { kind: 'manifest', manifest: checkManifest(json, name) };
}

function malformed(name: string, why: string): WherryError {
  return new WherryError('corrupt', `Cannot use the manifest of "${name}": ${why}`);
}

function refuseSchema1(json: Json, mediaType: string, name: string): void {
  if (json.schemaVersion !== 1 && !/docker\.distribution\.manifest\.v1\+/.test(mediaType)) return;
  throw new WherryError(
    'unsupported',
    `Cannot use the manifest of "${name}": it is of Docker's image format schema 1, which is not supported`,
    { hint: 'Have the image pushed again by a client of this decade (docker, podman, skopeo)' },
  );
}

function checkIndex(json: Json, name: string): Index {
  const { manifests } = json;
  if (!Array.isArray(manifests)) throw malformed(name, 'it has no list of manifests');
  if (manifests.length > MAX_MANIFESTS) throw malformed(name, `it lists more than ${MAX_MANIFESTS} manifests`);
  for (const [at, entry] of manifests.entries()) checkDescriptor(entry, `its entry ${at}`, name);
  return json as unknown as Index;
}

function checkManifest(json: Json, name: string): Manifest {
  const { config, layers } = json;
  if (!Array.isArray(layers)) throw malformed(name, 'it has no list of layers');
  checkDescriptor(config, 'its config', name);
  if (config.size > MAX_DOCUMENT) {
    throw malformed(name, `its config has ${config.size} bytes, at most ${MAX_DOCUMENT} can be`);
  }
  for (const [at, layer] of layers.entries()) checkDescriptor(layer, `its layer ${at}`, name);
  return json as unknown as Manifest;
}

function checkImage({ config, layers, mediaType }: Manifest, asked: string, name: string): void {
  checkConfigType(config.mediaType, (mediaType ?? asked) === MEDIA.dockerManifest, name);
  if (layers.length > MAX_LAYERS) throw malformed(name, `it has ${layers.length} layers, at most ${MAX_LAYERS} can be`);
  const odd = layers.find((layer) => !IMAGE_TYPE.test(layer.mediaType));
  if (odd !== undefined) throw unsupportedType(odd.mediaType, name);
}

/** Helm charts, Wasm modules, plugins and signatures live in registries too. Docker's sentences. */
function checkConfigType(mediaType: string, isDocker: boolean, name: string): void {
  if (!isDocker && !IMAGE_TYPE.test(mediaType)) throw unsupportedType(mediaType, name);
  if (!isDocker || DOCKER_CONFIGS.includes(mediaType)) return;
  const what = mediaType.startsWith('application/vnd.docker.plugin') ? 'plugin' : 'unknown';
  throw new WherryError('unsupported', `Encountered remote "${brief(mediaType)}"(${what}) when fetching`, {
    hint: `"${name}" is not a container image`,
  });
}

function unsupportedType(mediaType: string, name: string): WherryError {
  const hint = `"${name}" is not a container image`;
  return new WherryError('unsupported', `unsupported media type ${brief(mediaType)}`, { hint });
}

function checkDescriptor(value: unknown, what: string, name: string): asserts value is Descriptor {
  if (!isObject(value)) throw malformed(name, `${what} is not a descriptor`);
  const { digest, size, mediaType } = value;
  if (typeof mediaType !== 'string') throw malformed(name, `${what} has no media type`);
  if (!isDigest(digest)) throw malformed(name, `${what} has no valid digest`);
  if (!Number.isSafeInteger(size) || (size as number) < 0) throw malformed(name, `${what} has no valid size`);
  const wrong = malformedField(value, DESCRIPTOR);
  if (wrong !== undefined) throw malformed(name, `${what} has malformed ${wrong}`);
  for (const key of Object.keys(DESCRIPTOR)) if (value[key] === null) delete value[key];
  if (isObject(value.platform)) value.platform = { architecture: '', os: '', ...withoutNulls(value.platform) };
}

const withoutNulls = (json: Json) => Object.fromEntries(Object.entries(json).filter(([, value]) => value !== null));

/** Reads an image's configuration. layers: how many its manifest has; each needs its diff ID. */
export function parseConfig(bytes: Buffer, layers: number, name: string): ImageConfig {
  const json = parsedObject(bytes, `the configuration of "${name}"`);
  const rootfs = json.rootfs as ImageConfig['rootfs'] | null | undefined;
  if (rootfs === undefined || rootfs === null)
    throw new WherryError('corrupt', 'invalid rootfs in image configuration');
  const diffIds: unknown = rootfs.diff_ids ?? [];
  if (!Array.isArray(diffIds) || !diffIds.every(isDigest)) {
    throw new WherryError('corrupt', `Cannot use the configuration of "${name}": its list of diff IDs is malformed`);
  }
  if (diffIds.length !== layers) {
    const hint = `The configuration of "${name}" has ${diffIds.length} diff IDs for ${layers} layers`;
    throw new WherryError('corrupt', "layers from manifest don't match image configuration", { hint });
  }
  checkConfig(json, name);
  const config = completeConfig(json);
  const changes = (config.history ?? []).filter((step) => step.empty_layer !== true).length;
  if (changes > layers) throw new WherryError('corrupt', 'too many non-empty layers in History section');
  return config;
}

/** Throws kind `corrupt` for a configuration with a field of another type than its own. */
export function checkConfig(json: Json, name: string): void {
  const field = malformedField(json, CONFIG);
  const setting = malformedField(isObject(json.config) ? json.config : {}, DEFAULTS);
  const wrong = field ?? (setting === undefined ? undefined : `config.${setting}`);
  if (wrong === undefined) return;
  throw new WherryError('corrupt', `Cannot use the configuration of "${name}": its ${wrong} is malformed`);
}

/**
 * A configuration as its readers want it: null is absent, and there is what builders leave out: Docker the diff IDs of an
 * image without layers, old ones the platform. Nothing is checked.
 */
export function completeConfig(json: Json): ImageConfig {
  const given = withoutNulls(json) as unknown as ImageConfig;
  const rootfs = { type: 'layers', diff_ids: given.rootfs?.diff_ids ?? [] };
  return { ...given, os: given.os || 'linux', architecture: given.architecture || 'amd64', rootfs };
}
