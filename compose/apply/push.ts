/** push: the images that a project builds. */
import { asInvalid } from '#base/error.ts';
import { given } from '#base/given.ts';
import type { Progress } from '#base/progress.ts';
import { together } from '#base/together.ts';
import { act, type Scope } from '#compose/apply/scope.ts';
import type { Project } from '#compose/model/project.ts';
import { pushImage } from '#image/push.ts';

export interface PushProject {
  quiet: boolean;
  /** What can't be pushed is told of, and the rest is pushed. */
  ignoreFailures: boolean;
}

/** Pushes them under all their names. Throws what the first push that failed has thrown. */
export async function pushProject(scope: Scope, project: Project, options: PushProject): Promise<void> {
  const jobs: { service: string; name: string }[] = [];
  for (const { name: service, image, build } of Object.values(project.services)) {
    if (build === undefined || !image) scope.report({ id: service, text: 'Skipped', state: '', status: 'done' });
    else for (const name of [image, ...(build.tags ?? [])]) jobs.push({ service, name });
  }
  const limit = Math.max(1, scope.parallel ?? jobs.length);
  await together(jobs, { limit, stop: new AbortController() }, async ({ service, name }) => {
    const progress = (event: Progress) => (options.quiet ? undefined : reportLayer(scope, name, event));
    try {
      await act(scope, () => pushImage(scope.store, name, given({ progress, abort: scope.abort })));
    } catch (error) {
      if (!options.ignoreFailures || scope.abort?.aborted) throw asInvalid(error);
      scope.report({ message: `Pushing ${service}: ${error instanceof Error ? error.message : error}` });
    }
  });
}

function reportLayer({ report }: Scope, name: string, event: Progress): void {
  if (event.kind !== 'layer') return;
  const { id, status: text, current = 0, total = 0 } = event;
  const isDone = text === 'Pushed' || text === 'Layer already exists';
  report({
    id: `Pushing ${name}: ${id}`,
    text,
    state: '',
    status: isDone ? 'done' : 'working',
    current,
    total,
    percent: isDone ? 100 : total > 0 ? Math.trunc((current * 100) / total) : 0,
  });
}
