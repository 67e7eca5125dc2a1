/**
 * Images, their blobs and their layers: what is there is looked at (look.ts) and judged here, without touching anything;
 * mend.ts carries out what the judgement says.
 */
import { type Damage, few } from '#base/damage.ts';
import { shortId } from '#base/text.ts';
import { type Entry, sameImage } from '#image/catalog.ts';
import type { Layer } from '#image/layers.ts';
import type { ImageFacts, LayerUser } from '#image/look.ts';
import type { Descriptor, Manifest } from '#oci/manifest.ts';
import { familiar, parseReference } from '#oci/reference.ts';

export type ImageRemedy =
  /** The layer's tree is made anew from its blob. */
  | { kind: 'unpack'; layer: Layer }
  /** The entries of this manifest go. */
  | { kind: 'forget'; manifest: string }
  /** The blob goes, and the images that lack it are marked: they run, but can't be pushed or saved. */
  | { kind: 'mark'; blob: string }
  /** The entry's notes are written anew. */
  | { kind: 'note'; manifest: string; id: string }
  | { kind: 'drop'; blobs: string[]; layers: string[] };

type Found = Damage<ImageRemedy>;

/** Where things are, for the lines of the report. */
export interface Places {
  blob(digest: string): string;
  layer(diffId: string): string;
  index: string;
}

/** What is wrong with images and what they are made of; orphans are judgeOrphans()'s. Pure. */
export function judgeImages(facts: ImageFacts, places: Places): Found[] {
  const images = groupImages(facts.entries);
  const sources = soundLayers(facts);
  const damages = images.flatMap((image) => judgeImage(facts, image, { places, sources }));
  const needed = new Set(
    images.flatMap(({ entry }) => facts.configs.get(entry.manifest.digest)?.rootfs.diff_ids ?? []),
  );
  return [...merge(damages), ...judgeUsers(facts, needed, places)];
}

interface Image {
  entry: Entry;
  /** As in messages: `nginx:latest`, or a short ID. */
  name: string;
  names: string[];
}

function groupImages(entries: readonly Entry[]): Image[] {
  const first = entries.filter((entry, at) => entries.findIndex((other) => isSame(other, entry)) === at);
  return first.map((entry) => {
    const names = entries.filter((other) => isSame(other, entry)).flatMap((other) => other.name ?? []);
    const id = shortId(entry.id ?? entry.manifest.digest);
    const shown = names.map((name) => familiar(parseReference(name)));
    return { entry, names: shown, name: shown.find((name) => !name.includes('@')) ?? shown[0] ?? id };
  });
}

/** One image may have come in two compressions: their blobs are checked apart. */
const isSame = (a: Entry, b: Entry) => a.manifest.digest === b.manifest.digest && sameImage(a, b);

/** By diff ID: what it can be unpacked from, in whatever image and compression. */
type Sources = ReadonlyMap<string, Layer>;

function soundLayers(facts: ImageFacts): Sources {
  const layers = [...facts.manifests].flatMap(([digest, manifest]) => layersOf(facts, digest, manifest));
  return new Map(layers.filter(({ blob }) => blobFault(facts, blob) === undefined).map((one) => [one.diffId, one]));
}

function layersOf({ configs }: ImageFacts, digest: string, { layers }: Manifest): Layer[] {
  const diffIds = configs.get(digest)?.rootfs.diff_ids ?? [];
  return layers.map((blob, at) => ({ blob, diffId: diffIds[at] ?? '' }));
}

interface Surroundings {
  places: Places;
  sources: Sources;
}

function judgeImage(facts: ImageFacts, image: Image, around: Surroundings): Found[] {
  const { places } = around;
  const { manifest: descriptor, id } = image.entry;
  const { digest } = descriptor;
  const manifest = facts.manifests.get(digest);
  const forget = { kind: 'forget', manifest: digest } as const;
  const lost = (path: string, what: string): Found => ({
    path,
    what: `${what} of the image ${image.name}`,
    advice: `remove the image; ${howToGet(image)}`,
    remedy: forget,
  });
  const manifestFault = blobFault(facts, descriptor);
  if (manifestFault !== undefined) return [lost(places.blob(digest), `${manifestFault} manifest`)];
  if (manifest === undefined) return [lost(places.blob(digest), 'unreadable manifest')];
  const configFault = blobFault(facts, manifest.config);
  if (configFault !== undefined) return [lost(places.blob(manifest.config.digest), `${configFault} configuration`)];
  const config = facts.configs.get(digest);
  if (config === undefined) return [lost(places.blob(manifest.config.digest), 'unreadable configuration')];
  const layers = layersOf(facts, digest, manifest);
  const found = layers.flatMap((layer) => judgeLayer(facts, { image, layer, ...around, forget }));
  if (id === undefined || id === manifest.config.digest) return found;
  const note: Found = {
    path: places.index,
    what: `the image ${image.name} is noted with another ID than its own`,
    advice: 'correct the note',
    remedy: { kind: 'note', manifest: digest, id: manifest.config.digest },
  };
  return [...found, note];
}

function blobFault({ blobs, altered }: ImageFacts, { digest, size }: Descriptor): string | undefined {
  const is = blobs.get(digest);
  if (is === undefined) return 'missing';
  if (is < size) return 'truncated';
  if (is > size || altered.has(digest)) return 'altered';
  return undefined;
}

/** A layer that was built here has no blob until somebody wants it (whole.ts). */
function faultOf(facts: ImageFacts, { blob, diffId }: Layer): string | undefined {
  const fault = blobFault(facts, blob);
  return fault === 'missing' && blob.digest === diffId && facts.layers.has(diffId) ? undefined : fault;
}

interface LayerCase extends Surroundings {
  image: Image;
  layer: Layer;
  forget: ImageRemedy;
}

function judgeLayer(facts: ImageFacts, { image, layer, places, sources, forget }: LayerCase): Found[] {
  const found: Found[] = [];
  const fault = faultOf(facts, layer);
  const of = `of the image ${image.name}`;
  const changed = facts.changed.get(layer.diffId);
  const isThere = facts.layers.has(layer.diffId);
  const source = sources.get(layer.diffId);
  const getBack = `remove the image; ${howToGet(image)}`;
  if (!isThere || changed !== undefined) {
    const what = `${isThere ? `altered layer (${changed?.join(', ')})` : 'missing layer'} ${of}`;
    const where = { path: places.layer(layer.diffId), what };
    found.push(source === undefined ? { ...where, advice: getBack, remedy: forget } : judgeTree(facts, source, where));
  }
  if (fault === undefined) return found;
  const where = { path: places.blob(layer.blob.digest), what: `${fault} blob of a layer ${of}` };
  if (found.length > 0 && source === undefined) return [{ ...where, advice: getBack, remedy: forget }, ...found];
  const mark = judgeBlob(image, layer, where);
  const isKnown = fault === 'missing' && image.entry.lost?.includes(layer.blob.digest);
  return [isKnown ? known(mark, image) : mark, ...found];
}

function known({ path, what }: Found, image: Image): Found {
  return { path, what, advice: `the image runs, but can't be pushed or saved; ${howToGet(image)}`, known: true };
}

/** The tree is whole, so the image runs on; the blob is for push and save. */
function judgeBlob(image: Image, { blob }: Layer, where: Pick<Found, 'path' | 'what'>): Found {
  const advice = `note that it is lost, the image still runs; ${howToGet(image)}`;
  return { ...where, advice, remedy: { kind: 'mark', blob: blob.digest } };
}

function judgeTree(facts: ImageFacts, layer: Layer, where: Pick<Found, 'path' | 'what'>): Found {
  const running = facts.users.filter((user) => user.running && user.diffIds.includes(layer.diffId));
  if (running.length === 0) {
    return { ...where, advice: 'unpack it from its blob again', remedy: { kind: 'unpack', layer } };
  }
  return { ...where, advice: `stop what runs on it first: wherry stop ${few(running.map(({ name }) => name))}` };
}

function howToGet({ names }: Image): string {
  const pulled = names.some((name) => name.includes('@'));
  const name = names.find((one) => !one.includes('@')) ?? names[0];
  return pulled ? `get it back by: wherry pull ${name}` : 'load, build or pull it again';
}

/** Containers keep layers that their image has lost its claim to. */
function judgeUsers({ users, layers }: ImageFacts, needed: ReadonlySet<string>, places: Places): Found[] {
  const missing = new Map<string, LayerUser[]>();
  for (const user of users) {
    for (const diffId of user.diffIds) {
      if (!needed.has(diffId) && !layers.has(diffId)) missing.set(diffId, [...(missing.get(diffId) ?? []), user]);
    }
  }
  return [...missing].map(([diffId, own]) => ({
    path: places.layer(diffId),
    what: `missing layer of ${own.length === 1 ? 'the container' : 'the containers'} ${few(own.map(({ name }) => name))}`,
    advice: `get it back by: wherry pull ${own[0]?.reference}; or remove: wherry rm ${few(own.map(({ name }) => name))}`,
  }));
}

/** Several images may share a damaged thing: told once, and what several remedies do is one line each. */
function merge(damages: readonly Found[]): Found[] {
  const seen = new Set<string>();
  return damages.filter(({ path, remedy }) => {
    const key = JSON.stringify([path, remedy?.kind === 'forget' ? remedy : remedy?.kind]);
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

/** Pure. */
export function judgeOrphans({ blobs, layers }: { blobs: string[]; layers: string[] }, places: Places): Found[] {
  const advice = 'remove it';
  return [
    ...blobs.map((digest) => ({
      path: places.blob(digest),
      what: 'a blob that no image needs',
      advice,
      remedy: { kind: 'drop' as const, blobs: [digest], layers: [] },
    })),
    ...layers.map((diffId) => ({
      path: places.layer(diffId),
      what: 'a layer that neither an image nor a container needs',
      advice,
      remedy: { kind: 'drop' as const, blobs: [], layers: [diffId] },
    })),
  ];
}
