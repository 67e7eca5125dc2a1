import { WherryError } from '#base/error.ts';
import { operate, projectOrName } from '#cli/compose/operation.ts';
import { composeCommand } from '#cli/compose/project.ts';
import { readPresent } from '#compose/apply/identify.ts';
import { projectFrom, selectExisting } from '#compose/apply/remains.ts';
import { startProject } from '#compose/apply/start.ts';

export default composeCommand({
  usage: '[SERVICE...]',
  summary: 'Start services',
  details: 'Containers that were stopped, or only created, run again, each when what it depends on is there.',
  examples: [{ does: 'Start what was stopped', line: 'wherry compose start' }],
  flags: {},
  run: async (context, services, values) => {
    const { name, project } = await projectOrName(context, services);
    await operate(context, { values, title: 'Running' }, async (scope) => {
      const containers = readPresent(scope.store, name).filter(({ isOneOff }) => !isOneOff);
      if (project === undefined && containers.length === 0) {
        throw new WherryError('invalid', `no container found for project "${name}": not found`);
      }
      const known = project ?? selectExisting(await projectFrom(scope.store, name, containers), services);
      await startProject(scope, known);
    });
  },
});
