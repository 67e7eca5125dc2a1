/** The images that a project's containers were made from, as `compose images` lists them. */
import { projectOf, serviceOf } from '#compose/view/containers.ts';
import { listContainers } from '#container/names.ts';
import type { ContainerRecord } from '#container/record.ts';
import type { Store } from '#engine/open.ts';
import { arrivalOf } from '#image/arrival.ts';
import { findImage } from '#image/names.ts';

/** In the order of its JSON. */
export interface ImageRow {
  ID: string;
  ContainerName: string;
  Repository: string;
  Tag: string;
  Platform: string;
  /** Bytes. */
  Size: number;
  /** When it came here or was built: nobody notes when a name was given. RFC 3339. */
  LastTagTime: string;
}

/** By the names of the containers, running or not. services: only theirs; empty: all. */
export function projectImages(store: Store, project: string, services: readonly string[]): ImageRow[] {
  const name = project.toLowerCase();
  return listContainers(store)
    .filter((record) => projectOf(record) === name)
    .filter((record) => services.length === 0 || services.includes(serviceOf(record)))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((record) => rowOf(store, record));
}

function rowOf(store: Store, { name, image: { reference, id, platform } }: ContainerRecord): ImageRow {
  const image = findImage(store, id);
  const arrived = arrivalOf(store, id);
  const [Repository, Tag] = nameAndTag(reference);
  return {
    ID: id,
    ContainerName: name,
    Repository,
    Tag,
    Platform: platform,
    Size: image?.size ?? 0,
    LastTagTime: arrived === undefined ? '0001-01-01T00:00:00Z' : new Date(arrived).toISOString(),
  };
}

/** As people write them: without Docker Hub's name; an ID has neither, and behind a digest no tag counts. */
function nameAndTag(reference: string): [name: string, tag: string] {
  if (/^(sha256:)?[0-9a-f]{64}$/.test(reference)) return ['', ''];
  const [before = '', digest] = reference.split('@');
  const [, name = before, tag = 'latest'] = /^(.*):([^/:]+)$/.exec(before) ?? [];
  const familiar = name.replace(/^(index\.)?docker\.io\//, '').replace(/^library\/(?=[^/]+$)/, '');
  return [familiar, digest === undefined ? tag : ''];
}
