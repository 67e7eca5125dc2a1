/** commit: what a container has changed becomes a layer on top of its image's, and its settings the new image's. */
import { posix } from 'node:path';
import type { Config } from '#base/api.ts';
import { hasCode, WherryError } from '#base/error.ts';
import { asDaemon } from '#base/filter.ts';
import { applyChanges } from '#build/dockerfile/changes.ts';
import { mergeConfig } from '#container/create.ts';
import { recordContainerEvent } from '#container/event.ts';
import { freezeContainer } from '#container/freeze.ts';
import { findContainer } from '#container/names.ts';
import type { ContainerRecord } from '#container/record.ts';
import { parseSignal } from '#container/signals.ts';
import { timestamp } from '#container/state.ts';
import { containerChanges } from '#container/tree.ts';
import { type ImageTold, recordImageEvent } from '#image/event.ts';
import { makeImage, type NewLayer, needParent, newNames } from '#image/make.ts';
import type { Image } from '#image/names.ts';
import type { ImageConfig } from '#oci/manifest.ts';
import { familiar, parseReference } from '#oci/reference.ts';
import type { Change } from '#store/changes.ts';
import { gzipped } from '#store/compress.ts';
import { type Packable, packTree } from '#store/pack.ts';
import type { Store } from '#store/store.ts';
import { WHITEOUT } from '#store/whiteout.ts';
import { lock } from '#sys/file.ts';

export interface CommitOptions {
  author?: string;
  message?: string;
  /** Dockerfile instructions. */
  changes?: readonly string[];
  /** The container does not go on while its files are read. */
  pause?: boolean;
  /** A repository, with or without a tag. */
  name?: string;
  abort?: AbortSignal;
}

/**
 * Makes an image of a container, running or not, and gives the image's ID.
 * Throws kind `not-found`, `invalid` for the name, `unavailable` for the changes in Docker's words.
 */
export async function commitContainer(store: Store, container: string, options: CommitOptions = {}): Promise<string> {
  const names = newNames(options.name, new WherryError('invalid', 'refusing to create a tag with a digest reference'));
  const record = findContainer(store, container);
  // Whoever starts, removes or cleans up waits, so that its files stay where they are.
  using _stays = await holdContainer(store, record);
  await using _frozen = options.pause === false ? undefined : await freezeContainer(store, record);
  const settings = asDaemon(() => newSettings(record, options.changes ?? []));
  const parent = needParent(store, record.image.id);
  const created = timestamp();
  const layer = layerOf(containerChanges(store, record, { all: true }), created);
  const id = await makeImage(store, {
    parent,
    ...(layer === undefined ? {} : { layer }),
    config: configOf(parent, settings, { record, created, isEmpty: layer === undefined, ...options }),
    names,
    ...(options.abort === undefined ? {} : { abort: options.abort }),
  });
  noteCommit(store, record, { image: { id, labels: settings.Labels }, names, message: options.message });
  return id;
}

interface Committed {
  image: ImageTold;
  names: readonly string[];
  message: string | undefined;
}

function noteCommit(store: Store, record: ContainerRecord, { image, names, message = '' }: Committed): void {
  const name = names.map((one) => familiar(parseReference(one)))[0] ?? '';
  recordImageEvent(store, 'create', image);
  if (name !== '') recordImageEvent(store, 'tag', { ...image, name });
  recordContainerEvent(store, record, 'commit', { comment: message, imageID: image.id, imageRef: name });
}

async function holdContainer(store: Store, { id, name }: ContainerRecord): Promise<Disposable> {
  try {
    return await lock(store.path('containers', id), { shared: true });
  } catch (cause) {
    if (!hasCode(cause, 'ENOENT')) throw cause;
    throw new WherryError('not-found', `No such container: ${name}`, { cause });
  }
}

/** The container's own settings, and over them what the instructions say. */
function newSettings({ config }: ContainerRecord, changes: readonly string[]): Config {
  const start: Config & { OnBuild: string[] | null } = { ...config, OnBuild: null };
  return mergeConfig(applyChanges(start, changes, { checkSignal: parseSignal }), config);
}

/** Undefined where nothing has changed. */
function layerOf(changes: Generator<Change, void, void>, created: string): NewLayer | undefined {
  const seconds = Math.floor(Date.parse(created) / 1000);
  const first = changes.next();
  if (first.done) return undefined;
  function* packables() {
    yield asPackable(first.value as Change, seconds);
    for (const change of changes) yield asPackable(change, seconds);
  }
  return { bytes: gzipped(packTree(packables())), compression: 'gzip' };
}

/**
 * A deletion is a file with a reserved name. Directories that hide what is below are spelt out, name by name: the
 * specification (image-spec, layer.md, "Opaque Whiteout") prefers that.
 */
function asPackable({ path, found }: Change, seconds: number): Packable {
  if (found !== undefined) return { path, ...found };
  const name = posix.join(posix.dirname(path), `${WHITEOUT}${posix.basename(path)}`);
  return { kind: 'file', name, mode: 0o600, modified: { seconds, nanoseconds: 0 } };
}

interface Circumstances extends CommitOptions {
  record: ContainerRecord;
  created: string;
  /** There is no new layer. */
  isEmpty: boolean;
}

/** As Docker writes it (moby, image.NewChildImage). */
function configOf(
  { config: { os, architecture, variant, history = [], ...rest } }: Image,
  settings: Config,
  { record, created, isEmpty, author, message }: Circumstances,
): Omit<ImageConfig, 'rootfs'> {
  const signed = author ? { author } : {};
  const entry = {
    created,
    created_by: (record.config.Cmd ?? []).join(' '),
    ...signed,
    ...(message ? { comment: message } : {}),
    ...(isEmpty ? { empty_layer: true } : {}),
  };
  const windows = rest['os.version'] === undefined ? {} : { 'os.version': rest['os.version'] };
  const platform = { os, architecture, ...(variant === undefined ? {} : { variant }), ...windows };
  return { created, ...signed, ...platform, config: settings, history: [...history, entry] };
}
