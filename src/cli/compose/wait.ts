import { operate, projectOrName } from '#cli/compose/operation.ts';
import { composeCommand } from '#cli/compose/project.ts';
import { boolean } from '#cli/values.ts';
import { takeDown } from '#compose/apply/down.ts';
import { waitServices } from '#compose/apply/restart.ts';

export default composeCommand({
  usage: 'SERVICE [SERVICE...]',
  summary: 'Block until containers of all (or specified) services stop.',
  details: 'The exit status is that of the container that ended last.',
  examples: [{ does: "Wait for a job's end", line: 'wherry compose wait job' }],
  flags: { 'down-project': { as: boolean, summary: 'Drops project when the first container stops' } },
  run: async (context, services, values) => {
    const { name } = await projectOrName(context);
    return operate(context, { values, title: 'Running', isReal: true }, async (scope) => {
      const status = await waitServices(scope, name, {
        services,
        ended: (id, code) => context.out.line(`container "${id}" exited with status code ${code}`),
      });
      if (values.downProject) await takeDown(scope, name, undefined, { removeOrphans: true });
      return status;
    });
  },
});
