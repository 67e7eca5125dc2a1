import { given } from '#base/given.ts';
import { composeCommand, isDryRun } from '#cli/compose/project.ts';
import { projectName, shown } from '#cli/compose/target.ts';
import { boolean, integer, list, text } from '#cli/values.ts';
import { specifiedContainer } from '#compose/view/containers.ts';

export default composeCommand({
  usage: 'SERVICE [REPOSITORY[:TAG]]',
  summary: "Create a new image from a service container's changes",
  examples: [{ does: 'Keep what was tried out', line: 'wherry compose commit --message "with curl" web mine/web:try' }],
  flags: {
    author: { short: 'a', as: text, summary: 'Author (e.g., "John Hannibal Smith <hannibal@a-team.com>")' },
    change: { short: 'c', as: list, summary: 'Apply Dockerfile instruction to the created image' },
    index: { as: integer, default: '0', summary: 'index of the container if service has multiple replicas.' },
    message: { short: 'm', as: text, summary: 'Commit message' },
    pause: { short: 'p', as: boolean, default: 'true', summary: 'Pause container during commit' },
  },
  run: async (context, [service = '', name], values) => {
    const { store, abort } = context;
    const { author, change, index, message, pause } = values;
    const project = await projectName(context);
    const { record } = specifiedContainer(store, project, { service, index, all: false, oneOff: true });
    await shown(context, { title: 'Committing', values }, async (report) => {
      const step = { id: record.name, text: `Commit ${record.name}` };
      report({ ...step, state: 'Committing', status: 'working' });
      if (isDryRun(context, values)) return report({ ...step, state: 'Committed', status: 'done' });
      const { commitContainer } = await import('#engine/commit.ts');
      const options = { ...given({ author, message, name }), changes: change, pause, abort };
      const id = await commitContainer(store, record.id, options);
      report({ ...step, state: `Committed as ${id}`, status: 'done' });
    });
  },
});
