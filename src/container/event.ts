/** What happens to containers, noted for `wherry events`. */
import type { ContainerRecord } from '#container/record.ts';
import { recordEvent } from '#store/events.ts';
import type { Store } from '#store/store.ts';

/** What an event tells of a container; of one whose record is lost nothing but the ID may be known. */
export type Told = Pick<ContainerRecord, 'id' | 'name'> & Partial<Pick<ContainerRecord, 'image' | 'config'>>;

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
    attributes: eventAttributes(container, attributes),
  });
}

/** Docker's attributes of each event of a container: all its labels, its image as the user wrote it, its name. */
export function eventAttributes(
  { name, image, config }: Told,
  attributes: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const reference = image?.reference ?? '';
  return { ...attributes, ...config?.Labels, ...(reference === '' ? {} : { image: reference }), name };
}
