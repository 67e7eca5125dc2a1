import { operate, projectOrName } from '#cli/compose/operation.ts';
import { composeCommand } from '#cli/compose/project.ts';
import { pauseServices } from '#compose/apply/restart.ts';

export default composeCommand({
  usage: '[SERVICE...]',
  summary: 'Pause services',
  details: 'Their processes stand still until unpause, kill or rm --force.',
  examples: [{ does: 'Pause one service', line: 'wherry compose pause web' }],
  flags: {},
  run: async (context, services, values) => {
    const subject = await projectOrName(context, services);
    await operate(context, { values, title: 'Pausing' }, (scope) => pauseServices(scope, subject, { services }));
  },
});
