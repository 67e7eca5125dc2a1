import { operate, projectOrName } from '#cli/compose/operation.ts';
import { composeCommand } from '#cli/compose/project.ts';
import { isOn } from '#cli/compose/questions.ts';
import { boolean, text } from '#cli/values.ts';
import { killServices } from '#compose/apply/restart.ts';

export default composeCommand({
  usage: '[SERVICE...]',
  summary: 'Force stop service containers',
  details: 'All at once, in no order, one-off containers too.',
  examples: [{ does: 'Have a service read its configuration again', line: 'wherry compose kill --signal HUP web' }],
  flags: {
    'remove-orphans': { as: boolean, summary: 'Remove containers for services not defined in the Compose file' },
    signal: { short: 's', as: text, default: 'SIGKILL', summary: 'SIGNAL to send to the container' },
  },
  run: async (context, services, values) => {
    const subject = await projectOrName(context, services);
    const removeOrphans = context.given.has('remove-orphans') ? values.removeOrphans : isOn('COMPOSE_REMOVE_ORPHANS');
    const { signal } = values;
    const killed = await operate(context, { values, title: 'Killing' }, (scope) =>
      killServices(scope, subject, { services, signal, removeOrphans }),
    );
    if (!killed) context.err.write('no container to kill');
  },
});
