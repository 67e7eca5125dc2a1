/** What `watch` and `up --watch` share. */
import type { Context } from '#cli/command.ts';
import { buildServices } from '#cli/compose/build-services.ts';
import { type LogLines, WATCH_LOGGER } from '#cli/compose/log-lines.ts';
import { operate } from '#cli/compose/operation.ts';
import { LABEL } from '#compose/model/labels.ts';
import type { Project } from '#compose/model/project.ts';
import { watchProject } from '#compose/watch/watch.ts';
import { removeImages } from '#engine/images.ts';
import { listImages } from '#image/names.ts';

interface Watching {
  /** Lines in compose's words. */
  log: (text: string) => void;
  abort: AbortSignal;
  /** Nothing of builds is shown. */
  quiet?: boolean;
  /** Images that a build has left without a name go. */
  prune?: boolean;
}

/** Watches until it is aborted. Throws kind `invalid` in compose's words where there is nothing to watch. */
export async function watchInFront(context: Context, project: Project, watching: Watching): Promise<void> {
  const { log, abort, quiet = false, prune = true } = watching;
  await operate(context, { values: {}, title: 'Watching', quiet: true, signals: false }, (quietly) => {
    const scope = { ...quietly, abort };
    return watchProject(scope, project, {
      abort,
      log,
      build: (services) => buildServices(context, project, services, { scope, quiet, progress: 'plain' }),
      ...(prune ? { prune: () => pruneImages(context, project) } : {}),
    });
  });
}

/** For an attached `up`, between whose lines watch speaks. */
export const watchBeside = (context: Context, project: Project) => (abort: AbortSignal, lines: LogLines) =>
  watchInFront(context, project, { log: (text) => lines.log(WATCH_LOGGER, text), abort });

/** Those of the project that have no name; one that a container has stays. */
async function pruneImages({ store }: Context, { name }: Project): Promise<void> {
  const nameless = listImages(store).filter(
    ({ config, references }) => references.length === 0 && config.config?.Labels?.[LABEL.project] === name,
  );
  for await (const _ of removeImages(
    store,
    nameless.map(({ id }) => id),
  )) {
    // Which went is nobody's question.
  }
}
