import { type Context, given } from '#cli/command.ts';
import { createOptions } from '#cli/compose/create-flags.ts';
import { openLogLines, WATCH_LOGGER } from '#cli/compose/log-lines.ts';
import { operate } from '#cli/compose/operation.ts';
import { composeCommand, openProject } from '#cli/compose/project.ts';
import { sayWordless } from '#cli/compose/settings.ts';
import { watchInFront } from '#cli/compose/watching.ts';
import { INTERRUPTED } from '#cli/fail.ts';
import { boolean } from '#cli/values.ts';
import { createProject } from '#compose/apply/create.ts';
import { startProject } from '#compose/apply/start.ts';
import { checkPlatforms } from '#compose/model/platforms.ts';
import type { Project, Service } from '#compose/model/project.ts';

export default composeCommand({
  usage: '[SERVICE...]',
  summary: 'Watch build context for service and rebuild/refresh containers when files are updated',
  details: `
    What a service's develop section says is done until you interrupt it: changed files are copied into its containers
    (sync), which are then restarted (sync+restart) or have a command run (sync+exec), or they are restarted alone
    (restart), or its image is built anew and its containers with it (rebuild). Changes within half a second are one. What
    .dockerignore or a rule's ignore names is left out, and so are .git and what editors leave.`,
  examples: [{ does: 'Work on a project', line: 'wherry compose watch || true' }],
  flags: {
    'no-up': { as: boolean, summary: 'Do not build & start services before watching' },
    prune: { as: boolean, default: 'true', summary: 'Prune dangling images on rebuild' },
    quiet: { as: boolean, summary: 'hide build output' },
  },
  run: async (context, services, values) => {
    const project = await openProject(context, services);
    checkPlatforms(project);
    if (!values.noUp) await bringUp(context, project, { services, values });
    const lines = openLogLines(context, { coloured: false, prefixed: false });
    await watchInFront(context, project, {
      ...values,
      log: (text) => lines.log(WATCH_LOGGER, text),
      abort: context.abort,
    });
    // As docker compose: it is ended by a signal only.
    sayWordless(context);
    return INTERRUPTED;
  },
});

interface Wanted {
  services: readonly string[];
  values: { quiet: boolean };
}

/** What is watched is built from what is there now. */
function bringUp(context: Context, project: Project, { services, values }: Wanted): Promise<void> {
  const fresh = Object.entries(project.services).map(([name, service]): [string, Service] => [
    name,
    service.build !== undefined && service.develop !== undefined ? { ...service, pull_policy: 'build' } : service,
  ]);
  const built = { ...project, services: Object.fromEntries(fresh) };
  const flags = { ...NO_FLAGS, quietBuild: values.quiet, quietPull: values.quiet };
  return operate(context, { values, title: 'Running' }, async (scope) => {
    await createProject(scope, built, {
      ...createOptions(context, built, scope, flags),
      recreateDependencies: 'never',
      ...given({ services: services.length > 0 ? services : undefined }),
    });
    await startProject(scope, built);
  });
}

/** Of those that up and create share. */
const NO_FLAGS = {
  build: false,
  forceRecreate: false,
  noBuild: false,
  noRecreate: false,
  pull: 'policy',
  removeOrphans: false,
  scale: [],
  yes: false,
};
