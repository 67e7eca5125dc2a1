/** The projects that have containers here, as `compose ls` lists them. */
import { LABEL } from '#compose/model/labels.ts';
import { listSeen, type Seen, statusOf } from '#container/view.ts';
import type { Store } from '#engine/open.ts';

/** In the order of its JSON. */
export interface ProjectRow {
  Name: string;
  /** `exited(1), running(2)` */
  Status: string;
  /** Paths with commas between them. */
  ConfigFiles: string;
}

/** By name. all: also those of which nothing runs. warn: told of what can't be shown. */
export function listProjects(
  store: Store,
  { all, warn }: { all: boolean; warn: (text: string) => void },
): ProjectRow[] {
  const seen = listSeen(store, { all, corrupt: (error) => warn(error.message) }).filter(({ record }) => {
    const labels = record.config.Labels;
    return labels[LABEL.project] !== undefined && labels[LABEL.hash] !== undefined;
  });
  const projects = Map.groupBy(seen, ({ record }) => record.config.Labels[LABEL.project] ?? '');
  return [...projects]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([Name, own]) => ({ Name, Status: combinedStatus(own), ConfigFiles: configFiles(own, warn) }));
}

function combinedStatus(seen: readonly Seen[]): string {
  const counts = [...Map.groupBy(seen, ({ state }) => statusOf(state))].map(
    ([status, some]) => `${status}(${some.length})`,
  );
  return counts.sort().join(', ');
}

function configFiles(seen: readonly Seen[], warn: (text: string) => void): string {
  const files = new Set<string>();
  for (const { record } of seen) {
    const label = record.config.Labels[LABEL.configFiles];
    if (label === undefined) {
      warn(`no label "${LABEL.configFiles}" set on container "${record.id}" of compose project`);
      return 'N/A';
    }
    for (const file of label.split(',')) files.add(file);
  }
  return [...files].join(',');
}
