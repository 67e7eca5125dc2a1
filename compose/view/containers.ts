/** The containers of a project, as the commands that look at one choose them: by the labels that compose writes. */
import { WherryError } from '#base/error.ts';
import { LABEL } from '#compose/model/labels.ts';
import type { ContainerRecord } from '#container/record.ts';
import { listSeen, type Seen } from '#container/view.ts';
import type { Store } from '#engine/open.ts';

export interface Selection {
  /** Only of these; empty or absent: of all. */
  services?: readonly string[];
  /** Also what does not run. */
  all: boolean;
  /** Also the containers that `run` made. */
  oneOff: boolean;
  /** Told of records that are damaged; the others are listed all the same. */
  corrupt?: (error: WherryError) => void;
}

/** What a container's labels say of it; '' where they say nothing. */
export const projectOf = ({ config }: Pick<ContainerRecord, 'config'>): string => config.Labels[LABEL.project] ?? '';
export const serviceOf = ({ config }: Pick<ContainerRecord, 'config'>): string => config.Labels[LABEL.service] ?? '';

const labelOf = ({ record }: Seen, name: string): string => record.config.Labels[name] ?? '';

/** Newest first. As compose, only those that have a configuration hash. */
export function projectContainers(store: Store, project: string, selection: Selection): Seen[] {
  const { services = [], all, oneOff, corrupt } = selection;
  const name = project.toLowerCase();
  return listSeen(store, { all, ...(corrupt === undefined ? {} : { corrupt }) }).filter((seen) => {
    const labels = seen.record.config.Labels;
    if (labels[LABEL.project] !== name || labels[LABEL.hash] === undefined) return false;
    if (services.length > 0 && !services.includes(labels[LABEL.service] ?? '')) return false;
    return oneOff || labels[LABEL.oneoff] === 'False';
  });
}

export interface Asked {
  service: string;
  /** 1 and up; 0: whichever comes first. */
  index: number;
  all: boolean;
  oneOff: boolean;
}

/** One container of a service: that with the lowest number. Throws kind `invalid` in compose's words where there is none. */
export function specifiedContainer(store: Store, project: string, { service, index, ...wish }: Asked): Seen {
  const found = projectContainers(store, project, { ...wish, services: [service] }).filter(
    (seen) => index <= 0 || labelOf(seen, LABEL.number) === String(index),
  );
  const isRun = (seen: Seen) => (labelOf(seen, LABEL.oneoff) === 'True' ? 1 : 0);
  const number = (seen: Seen) => Number(labelOf(seen, LABEL.number)) || 0;
  const [first] = found.sort((a, b) => isRun(a) - isRun(b) || number(a) - number(b));
  if (first !== undefined) return first;
  const which = index > 0 ? ` container #${index}` : '';
  throw new WherryError('invalid', `service ${JSON.stringify(service)} is not running${which}`);
}

/** The name in front of its log: without the project's where compose made it, its own where the user gave one. */
export function logName({ name, config: { Labels } }: Pick<ContainerRecord, 'name' | 'config'>): string {
  return withoutProject(name, Labels);
}

/** The same of a container that is known by its labels alone. */
export function withoutProject(name: string, labels: Readonly<Record<string, string>>): string {
  const project = labels[LABEL.project] ?? '';
  const made = ['-', '_'].map((separator) => [project, labels[LABEL.service], labels[LABEL.number]].join(separator));
  return made.includes(name) ? name.slice(project.length + 1) : name;
}
