/** What happens to containers, noted for `wherry events`. */
import type { ContainerRecord } from '#container/record.ts';
import { recordEvent } from '#store/events.ts';
import type { Store } from '#store/store.ts';
import { readJson, replace } from '#sys/file.ts';

/** What an event tells of a container; of one whose record is lost nothing but the ID may be known. */
export type Told = Pick<ContainerRecord, 'id' | 'name'> & {
  image?: ContainerRecord['image'] | undefined;
  config?: ContainerRecord['config'];
};

/** Notes what happened to a container. attributes: what this action alone tells (`exitCode`, `signal` …), as text. */
export function recordContainerEvent(
  store: Store,
  container: Told,
  action: string,
  attributes: Readonly<Record<string, string>> = {},
): void {
  recordEvent(store, {
    type: 'container',
    action,
    id: container.id,
    attributes: { ...attributes, ...eventAttributes(container) },
  });
}

/** Docker's attributes of each event of a container: all its labels, its image as the user wrote it, its name. */
function eventAttributes({ name, image, config }: Told): Record<string, string> {
  const reference = image?.reference ?? '';
  return { ...config?.Labels, ...(reference === '' ? {} : { image: reference }), name };
}

/** Where the monitor finds these attributes. It reads them anew for each event. */
export function eventFile(store: Store, id: string): string {
  return store.path('containers', id, 'event.json');
}

/** Writes them: before a start, and when a container that runs gets another name. */
export function writeEventFile(store: Store, record: ContainerRecord): void {
  replace(eventFile(store, record.id), JSON.stringify(eventAttributes(record)));
}

/** Notes the end of a container whose monitor was killed, so that nobody else told of it. */
export function recordLostEnd(store: Store, id: string, exitCode: number): void {
  const attributes = readJson<Record<string, string>>(eventFile(store, id));
  recordEvent(store, {
    type: 'container',
    action: 'die',
    id,
    attributes: { exitCode: String(exitCode), ...attributes },
  });
}
