/** import: the request as Docker's daemon would take it, checked before anything is read. */
import type { Readable } from 'node:stream';
import { WherryError } from '#base/error.ts';
import { asDaemon } from '#base/filter.ts';
import type { Progress } from '#base/progress.ts';
import { applyChanges } from '#build/dockerfile/changes.ts';
import { parseSignal } from '#container/signals.ts';
import { timestamp } from '#container/state.ts';
import { recordImageEvent } from '#image/event.ts';
import { importImage, readFile, readStream } from '#image/import.ts';
import { newNames } from '#image/make.ts';
import { download } from '#oci/download.ts';
import type { ContainerDefaults, Platform } from '#oci/manifest.ts';
import { hostPlatform, parsePlatform } from '#oci/platform.ts';
import { familiar, parseReference } from '#oci/reference.ts';
import type { Store } from '#store/store.ts';

export interface ImportRequest {
  /** A path, or an address that begins with http:// or https://; undefined: the stream. */
  source: string | undefined;
  stream: Readable;
  /** A repository, with or without a tag. */
  name?: string;
  message?: string;
  /** Dockerfile instructions. */
  changes?: readonly string[];
  platform?: string;
  progress?: (event: Progress) => void;
  abort?: AbortSignal;
}

/** Is it an address, and not a file's name? */
const isAddress = (source: string) => /^https?:\/\//.test(source);

/** Imports an image and gives its ID. Throws as importImage(), and kind `invalid` for the name, `unavailable` in Docker's words. */
export async function importArchive(store: Store, request: ImportRequest): Promise<string> {
  const { source, stream, message, changes = [], abort } = request;
  const names = newNames(request.name, new WherryError('unavailable', 'cannot import digest reference'));
  const platform = asDaemon(() => targetPlatform(request.platform));
  const settings = asDaemon(() => applyChanges<ContainerDefaults>({}, changes, { checkSignal: parseSignal }));
  const isRemote = source !== undefined && isAddress(source);
  const bytes = isRemote
    ? download(source, {
        opened: () => request.progress?.({ kind: 'message', text: `Downloading from ${source}` }),
        abort,
      })
    : source === undefined
      ? readStream(stream, abort)
      : readFile(source);
  const id = await importImage(store, bytes, {
    created: timestamp(),
    platform,
    // A local file reaches Docker's daemon as a stream.
    comment: message || `Imported from ${isRemote ? source : '-'}`,
    settings,
    names,
    ...(abort === undefined ? {} : { abort }),
  });
  const { Labels: labels } = settings;
  for (const name of names) recordImageEvent(store, 'tag', { id, labels, name: familiar(parseReference(name)) });
  recordImageEvent(store, 'import', { id, labels });
  return id;
}

function targetPlatform(text: string | undefined): Platform {
  const platform = text ? parsePlatform(text) : hostPlatform();
  if (platform.os === 'linux') return platform;
  throw new WherryError('unavailable', 'operating system is not supported');
}
