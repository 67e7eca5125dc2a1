import { operate, projectOrName } from '#cli/compose/operation.ts';
import { composeCommand, warn } from '#cli/compose/project.ts';
import { ask } from '#cli/compose/questions.ts';
import { boolean } from '#cli/values.ts';
import { removeAll, stopProject, stoppedContainers } from '#compose/apply/restart.ts';

export default composeCommand({
  usage: '[SERVICE...]',
  summary: `Removes stopped service containers

By default, anonymous volumes attached to containers will not be removed. You
can override this with -v. To list all volumes, use "docker volume ls".

Any data which is not in a volume will be lost.`,
  examples: [{ does: 'Stop and remove a service without a question', line: 'wherry compose rm --stop --force web' }],
  flags: {
    all: { short: 'a', as: boolean, summary: 'Deprecated - no effect', hidden: true },
    force: { short: 'f', as: boolean, summary: "Don't ask to confirm removal" },
    stop: { short: 's', as: boolean, summary: 'Stop the containers, if required, before removing' },
    volumes: { short: 'v', as: boolean, summary: 'Remove any anonymous volumes attached to containers' },
  },
  run: async (context, services, values) => {
    const { all, force, stop, volumes } = values;
    // It never had one in docker compose 2.
    if (all) warn(context, '--all has no effect');
    const subject = await projectOrName(context, services);
    if (stop) {
      await operate(context, { values, title: 'Stopping' }, (scope) => stopProject(scope, subject, { services }));
    }
    await operate(context, { values, title: 'Removing' }, async (scope) => {
      const containers = stoppedContainers(scope, subject, services);
      if (containers.length === 0) return context.err.line('No stopped containers');
      const question = `Going to remove ${containers.map(({ name }) => name).join(', ')}`;
      if (force) context.out.line(question);
      else if (!(await ask(context, question))) return;
      await removeAll(scope, containers, { volumes, force });
    });
  },
});
