import { composeCommand } from '#cli/compose/project.ts';
import { projectName } from '#cli/compose/target.ts';
import { LIST_FORMAT_SUMMARY } from '#cli/format.ts';
import { listed, showStats } from '#cli/stats.ts';
import { boolean, text } from '#cli/values.ts';
import { projectOf, serviceOf } from '#compose/view/containers.ts';

export default composeCommand({
  usage: '[SERVICE]',
  summary: 'Display a live stream of container(s) resource usage statistics',
  examples: [{ does: 'One look', line: 'wherry compose stats --no-stream' }],
  flags: {
    all: { short: 'a', as: boolean, summary: 'Show all containers (default shows just running)' },
    format: { as: text, summary: LIST_FORMAT_SUMMARY },
    'no-stream': { as: boolean, summary: 'Disable streaming stats and only pull the first result' },
    'no-trunc': { as: boolean, summary: 'Do not truncate output' },
  },
  run: async (context, [service], { all, ...wish }) => {
    const project = await projectName(context);
    const choose = listed(
      context,
      all,
      ({ record }) => projectOf(record) === project && (service === undefined || serviceOf(record) === service),
    );
    await showStats(context, choose, wish);
  },
});
