import { given } from '#cli/command.ts';
import { operate, projectOrName } from '#cli/compose/operation.ts';
import { composeCommand } from '#cli/compose/project.ts';
import { boolean, integer } from '#cli/values.ts';
import { restartServices } from '#compose/apply/restart.ts';

export default composeCommand({
  usage: '[SERVICE...]',
  summary: 'Restart service containers',
  details: 'A changed file changes nothing here: up makes containers anew. Services with depends_on.restart follow.',
  examples: [{ does: 'Restart one service', line: 'wherry compose restart web' }],
  flags: {
    'no-deps': { as: boolean, summary: "Don't restart dependent services" },
    timeout: { short: 't', as: integer, summary: 'Specify a shutdown timeout in seconds' },
  },
  run: async (context, services, values) => {
    const subject = await projectOrName(context);
    const timeout = context.given.has('timeout') ? values.timeout : undefined;
    await operate(context, { values, title: 'Restarting' }, (scope) =>
      restartServices(scope, subject, { services, noDeps: values.noDeps, ...given({ timeout }) }),
    );
  },
});
