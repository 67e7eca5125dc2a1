import { given } from '#cli/command.ts';
import { operate, projectOrName } from '#cli/compose/operation.ts';
import { composeCommand } from '#cli/compose/project.ts';
import { integer } from '#cli/values.ts';
import { stopProject } from '#compose/apply/restart.ts';

export default composeCommand({
  usage: '[SERVICE...]',
  summary: 'Stop services',
  details: 'What depends on others stops before these. The containers stay; start runs them again.',
  examples: [{ does: 'Stop a project', line: 'wherry compose stop' }],
  flags: { timeout: { short: 't', as: integer, summary: 'Specify a shutdown timeout in seconds' } },
  run: async (context, services, values) => {
    const subject = await projectOrName(context, services);
    const timeout = context.given.has('timeout') ? values.timeout : undefined;
    await operate(context, { values, title: 'Stopping' }, (scope) =>
      stopProject(scope, subject, { services, ...given({ timeout }) }),
    );
  },
});
