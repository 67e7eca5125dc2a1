import { operate, projectOrName } from '#cli/compose/operation.ts';
import { composeCommand } from '#cli/compose/project.ts';
import { pauseServices } from '#compose/apply/restart.ts';

export default composeCommand({
  usage: '[SERVICE...]',
  summary: 'Unpause services',
  details: 'What pause has frozen goes on.',
  examples: [{ does: 'Unpause one service', line: 'wherry compose unpause web' }],
  flags: {},
  run: async (context, services, values) => {
    const subject = await projectOrName(context, services);
    await operate(context, { values, title: 'Running' }, (scope) =>
      pauseServices(scope, subject, { services, resume: true }),
    );
  },
});
