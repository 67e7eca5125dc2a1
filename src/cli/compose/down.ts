import { WherryError } from '#base/error.ts';
import { given } from '#cli/command.ts';
import { operate, projectOrName } from '#cli/compose/operation.ts';
import { composeCommand } from '#cli/compose/project.ts';
import { isOn } from '#cli/compose/questions.ts';
import { boolean, integer, text } from '#cli/values.ts';
import { takeDown } from '#compose/apply/down.ts';

export default composeCommand({
  usage: '[SERVICE...]',
  summary: 'Stop and remove containers, networks',
  details: 'Volumes and images stay unless --volumes and --rmi say otherwise; what is external stays in any case.',
  examples: [{ does: 'Remove a project with its data', line: 'wherry compose down --volumes' }],
  flags: {
    'remove-orphans': { as: boolean, summary: 'Remove containers for services not defined in the Compose file' },
    rmi: {
      as: text,
      summary:
        'Remove images used by services. "local" remove only images that don\'t have a custom tag ("local"|"all")',
    },
    timeout: { short: 't', as: integer, summary: 'Specify a shutdown timeout in seconds' },
    volumes: {
      short: 'v',
      as: boolean,
      summary:
        'Remove named volumes declared in the "volumes" section of the Compose file and anonymous volumes attached to containers',
    },
  },
  run: async (context, services, values) => {
    const { rmi = '', volumes, timeout } = values;
    if (rmi !== '' && rmi !== 'all' && rmi !== 'local') {
      throw new WherryError('invalid', `invalid value for --rmi: ${JSON.stringify(rmi)}`);
    }
    const removeOrphans = context.given.has('remove-orphans') ? values.removeOrphans : isOn('COMPOSE_REMOVE_ORPHANS');
    const { name, project } = await projectOrName(context, services);
    await operate(context, { values, title: 'Running' }, (scope) =>
      takeDown(scope, name, project, {
        services,
        removeOrphans,
        volumes,
        ...(rmi === '' ? {} : { images: rmi }),
        ...given({ timeout: context.given.has('timeout') ? timeout : undefined }),
      }),
    );
  },
});
