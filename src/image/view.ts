/** Images as Docker shows them: the rows of `images`, and the JSON of `image inspect`. */
import { WherryError } from '#base/error.ts';
import { asDaemon, type Filters, parseFilters } from '#base/filter.ts';
import { globOf } from '#base/glob.ts';
import { formatPlatform } from '#base/platform.ts';
import { shortId } from '#base/text.ts';
import { ago, humanSize, localTime, parseTimestamp } from '#base/units.ts';
import { type Image, type Listed, listed, needImage } from '#image/names.ts';
import type { ContainerDefaults, Platform } from '#oci/manifest.ts';
import { matches, parsePlatform } from '#oci/platform.ts';
import { familiar, familiarName, parseReference, type Reference } from '#oci/reference.ts';
import { layerPath } from '#store/layers.ts';
import type { Store } from '#store/store.ts';

/** One line of `images`, with Docker's fields. */
export interface ImageRow {
  Containers: string;
  CreatedAt: string;
  CreatedSince: string;
  Digest: string;
  ID: string;
  Repository: string;
  SharedSize: string;
  Size: string;
  Tag: string;
  UniqueSize: string;
  VirtualSize: string;
}

export interface ImageRowOptions {
  /** `name=value` each: dangling, label, label!, before, since, until, reference. */
  filters?: readonly string[];
  /** One line a digest. */
  digests?: boolean;
  noTrunc?: boolean;
  /** Image ID -> how many containers there are of it. */
  containers?: ReadonlyMap<string, number>;
}

const ACCEPTED = {
  dangling: ['true', 'false', '1', '0'],
  label: undefined,
  'label!': undefined,
  before: undefined,
  since: undefined,
  until: undefined,
  reference: undefined,
};
const NONE = '<none>';

/** An image and those of its names that were asked for. */
interface Shown {
  image: Listed;
  tags: Reference[];
  digests: Reference[];
}

/** The lines of `images`, newest image first. Throws kind `invalid` for filters, `not-found` for before's and since's image. */
export function imageRows(store: Store, options: ImageRowOptions = {}): ImageRow[] {
  const shown = asDaemon(() => filtered(store, options.filters ?? [])).sort(
    (a, b) => b.image.created - a.image.created,
  );
  return shown.flatMap((one) =>
    namesOf(one, options.digests === true).map(([repository, tag, digest]) =>
      row(one, { repository, tag, digest }, options),
    ),
  );
}

function filtered(store: Store, pairs: readonly string[]): Shown[] {
  const filters = parseFilters(pairs, ACCEPTED);
  const dangling = filters.flag('dangling');
  const globs = filters.values('reference').map(globOf);
  const inTime = timeFilter(store, filters);
  const isLabelled = labelFilter(filters);
  return listed(store).flatMap((image) => {
    if (!inTime(image.created) || !isLabelled(image)) return [];
    const shown = withNames(image, globs);
    const nameless = shown.tags.length === 0 && shown.digests.length === 0;
    if (nameless) return dangling === false || globs.length > 0 ? [] : [shown];
    return dangling === true && shown.tags.length > 0 ? [] : [shown];
  });
}

/** The only question for which images are opened. */
function labelFilter(filters: Filters): (image: Listed) => boolean {
  if (!filters.has('label') && !filters.has('label!')) return () => true;
  return (image) => {
    const labels = image.open()?.config.config?.Labels ?? {};
    return filters.labels('label', labels) && !(filters.has('label!') && filters.labels('label!', labels));
  };
}

/** before and since compare with another image's creation, until with a time. */
function timeFilter(store: Store, filters: Filters): (created: number) => boolean {
  const limits = (name: string) =>
    filters.values(name).map((text) => Date.parse(needImage(store, text).config.created ?? '') || 0);
  const until = filters.values('until').map((text) => parseTimestamp(text).seconds * 1000);
  const before = Math.min(...limits('before'), ...until);
  const since = Math.max(...limits('since'));
  return (created) => created < before && created > since;
}

function withNames(image: Listed, globs: readonly RegExp[]): Shown {
  const wanted = (name: Reference) => globs.length === 0 || globs.some((glob) => matchesName(glob, name));
  const names = image.references.map(parseReference).filter(wanted);
  const tags = names.filter((name) => name.digest === undefined);
  return { image, tags, digests: names.filter((name) => name.digest !== undefined) };
}

/** reference.FamiliarMatch: the pattern fits the whole name, or the name without its tag. */
function matchesName(glob: RegExp, name: Reference): boolean {
  return glob.test(familiar(name)) || glob.test(familiarName(name));
}

/** Which names make a line: each tag, and digests where they are asked for or there is nothing else. */
function namesOf({ tags, digests }: Shown, withDigests: boolean): [string, string, string][] {
  if (tags.length === 0 && digests.length === 0) return [[NONE, NONE, NONE]];
  const tagged = new Set(tags.map(familiarName));
  const lines = tags.flatMap((tag): [string, string, string][] => {
    const repository = familiarName(tag);
    const own = withDigests ? digests.filter((digest) => familiarName(digest) === repository) : [];
    const shown = own.length === 0 ? [NONE] : own.map((digest) => digest.digest ?? NONE);
    return shown.map((digest) => [repository, tag.tag ?? NONE, digest]);
  });
  const others = digests.filter((digest) => !tagged.has(familiarName(digest)));
  if (withDigests)
    return [...lines, ...others.map((one): [string, string, string] => [familiarName(one), NONE, one.digest ?? NONE])];
  const repositories = [...new Set(others.map(familiarName))];
  return [...lines, ...repositories.map((repository): [string, string, string] => [repository, NONE, NONE])];
}

interface Names {
  repository: string;
  tag: string;
  digest: string;
}

function row({ image }: Shown, names: Names, { noTrunc = false, containers }: ImageRowOptions): ImageRow {
  return {
    Containers: containers === undefined ? 'N/A' : String(containers.get(image.id) ?? 0),
    // A row is mostly shown without it.
    get CreatedAt() {
      return localTime(new Date(image.created));
    },
    CreatedSince: ago(new Date(image.created)),
    Digest: names.digest,
    ID: noTrunc ? image.id : shortId(image.id),
    Repository: names.repository,
    SharedSize: 'N/A',
    Size: humanSize(image.size, 3),
    Tag: names.tag,
    UniqueSize: 'N/A',
    get VirtualSize() {
      return humanSize(image.size, 4);
    },
  };
}

/** Repository and tag of each name with a tag, as people write them. */
export function familiarTags({ references }: Listed): [repository: string, tag: string][] {
  const names = references.map(parseReference).filter(({ digest }) => digest === undefined);
  return names.map((name) => [familiarName(name), name.tag ?? NONE]);
}

/** One image of `images --tree`. */
export interface ImageTreeRow {
  /** Familiar names with tags. */
  names: string[];
  id: string;
  fullId: string;
  /** Of the unpacked layers. */
  size: string;
  /** Of the layers as they came. */
  content: string;
}

/** The images of `images --tree`, newest first, each once. */
export function imageTreeRows(store: Store, filters: readonly string[]): ImageTreeRow[] {
  const shown = asDaemon(() => filtered(store, filters)).sort((a, b) => b.image.created - a.image.created);
  return shown.map(({ image, tags }) => ({
    names: tags.map(familiar),
    id: shortId(image.id),
    fullId: image.id,
    size: humanSize(image.size, 3),
    content: humanSize(
      (image.open()?.layers ?? []).reduce((sum, layer) => sum + layer.size, 0),
      3,
    ),
  }));
}

/**
 * `image inspect`: Docker's fields in Docker's order.
 * platform: os[/architecture[/variant]] that the image must be for. Throws kind `not-found`.
 */
export function inspectImage(store: Store, text: string, { platform }: { platform?: string } = {}): object {
  // The client's own answer: it has nothing to ask for.
  if (text === '') throw new WherryError('invalid', 'Error: No such image: ');
  const image = asDaemon(() => needImage(store, text));
  if (platform !== undefined) needPlatform(image, text, parsePlatform(platform));
  const { config } = image;
  const names = image.references.map(parseReference);
  const shown = (digests: boolean) => names.filter((name) => (name.digest !== undefined) === digests).map(familiar);
  return {
    Id: image.id,
    RepoTags: shown(false),
    RepoDigests: shown(true),
    Parent: '',
    Comment: config.history?.at(-1)?.comment ?? '',
    ...(config.created === undefined ? {} : { Created: goTime(config.created) }),
    DockerVersion: config.docker_version ?? '',
    Author: config.author ?? '',
    Architecture: config.architecture,
    ...(config.variant ? { Variant: config.variant } : {}),
    Os: config.os,
    ...(config['os.version'] ? { OsVersion: config['os.version'] } : {}),
    Size: image.size,
    GraphDriver: { Data: directories(store, image), Name: 'overlay2' },
    RootFS: { Type: 'layers', ...(image.diffIds.length > 0 ? { Layers: image.diffIds } : {}) },
    Metadata: { LastTagTime: '0001-01-01T00:00:00Z' },
    Config: inspectConfig(config.config ?? {}),
  };
}

/** Docker's answer where the image is there, but for another platform. */
export function needPlatform({ config }: Image, text: string, wanted: Platform): void {
  if (matches(wanted, config)) return;
  const is = `its platform (${formatPlatform(config)}) does not match the specified platform (${formatPlatform(wanted)})`;
  throw new WherryError('not-found', `image with reference ${text} was found but ${is}`);
}

/** Where the unpacked layers are; the highest is Docker's UpperDir. */
function directories(store: Store, { diffIds }: Image): Record<string, string> | null {
  const [top, ...below] = diffIds.map((diffId) => layerPath(store, diffId)).reverse();
  if (top === undefined) return null;
  return { ...(below.length > 0 ? { LowerDir: below.join(':') } : {}), UpperDir: top };
}

/** Some fields are always there, the others when they say something. */
function inspectConfig(config: ContainerDefaults): object {
  const { ArgsEscaped, ExposedPorts, Healthcheck, Shell, StopSignal } = config;
  return {
    ...(ArgsEscaped ? { ArgsEscaped } : {}),
    Cmd: config.Cmd ?? null,
    Entrypoint: config.Entrypoint ?? null,
    Env: config.Env ?? null,
    ...(ExposedPorts ? { ExposedPorts: sorted(ExposedPorts) } : {}),
    ...(Healthcheck ? { Healthcheck: sorted(Healthcheck) } : {}),
    Labels: sorted(config.Labels),
    OnBuild: config.OnBuild ?? null,
    ...(Shell ? { Shell } : {}),
    ...(StopSignal ? { StopSignal } : {}),
    User: config.User ?? '',
    Volumes: sorted(config.Volumes),
    WorkingDir: config.WorkingDir ?? '',
  };
}

/** Go writes the keys of maps in their order. */
function sorted(map: object | null | undefined): object | null {
  if (map === null || map === undefined) return null;
  return Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** A time as Go writes it: RFC 3339 without zeros at the end of the fraction. */
function goTime(text: string): string {
  return text.replace(/\.(\d*?)0*(?=Z|[+-]\d\d:\d\d$)/, (_all, digits: string) => (digits === '' ? '' : `.${digits}`));
}
