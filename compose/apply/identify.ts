/** Which containers are a project's: by the labels that docker compose writes, so that each finds what the other made. */
import { LABEL } from '#compose/model/labels.ts';
import { listContainers } from '#container/names.ts';
import type { ContainerRecord } from '#container/record.ts';
import { readState } from '#container/state.ts';
import type { Store } from '#engine/open.ts';

type Status = 'created' | 'running' | 'paused' | 'restarting' | 'exited';

/** One container of a project, as it is now. */
export interface Present {
  id: string;
  name: string;
  service: string;
  /** 1, 2, …; 0 where it has none: one-off containers. */
  number: number;
  isOneOff: boolean;
  hash: string;
  /** The image's ID when it was made. */
  image: string;
  status: Status;
  record: ContainerRecord;
}

const statusOf = (store: Store, id: string): Status => readState(store, id)?.status ?? 'created';

export function presentOf(store: Store, record: ContainerRecord): Present {
  const labels = record.config.Labels;
  return {
    id: record.id,
    name: record.name,
    service: labels[LABEL.service] ?? record.name,
    number: Number(labels[LABEL.number] ?? 0) || 0,
    isOneOff: labels[LABEL.oneoff] === 'True',
    hash: labels[LABEL.hash] ?? '',
    image: labels[LABEL.image] ?? '',
    status: statusOf(store, record.id),
    record,
  };
}

/** The containers of a project, by name; as compose, only those that have a configuration hash. */
export function readPresent(store: Store, project: string): Present[] {
  return listContainers(store)
    .filter(({ config: { Labels } }) => Labels?.[LABEL.project] === project && LABEL.hash in Labels)
    .map((record) => presentOf(store, record))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** What progress calls a container. */
export const shown = ({ name }: Pick<Present, 'name'>): string => `Container ${name}`;
