import { WherryError } from '#base/error.ts';
import { composeCommand, isDryRun } from '#cli/compose/project.ts';
import { projectName, shown } from '#cli/compose/target.ts';
import { integer, text } from '#cli/values.ts';
import { specifiedContainer } from '#compose/view/containers.ts';

export default composeCommand({
  usage: 'SERVICE',
  summary: "Export a service container's filesystem as a tar archive",
  examples: [{ does: 'Look at what a service is made of', line: 'wherry compose export web | tar -t' }],
  flags: {
    index: { as: integer, default: '0', summary: 'index of the container if service has multiple replicas.' },
    output: { short: 'o', as: text, summary: 'Write to a file, instead of STDOUT' },
  },
  run: async (context, [service = ''], values) => {
    const { store, out, abort } = context;
    const { index, output = '' } = values;
    const project = await projectName(context);
    const { record } = specifiedContainer(store, project, { service, index, all: false, oneOff: true });
    if (output === '' && out.isTerminal) {
      throw new WherryError('invalid', 'output option is required when exporting to terminal');
    }
    await shown(context, { title: 'Exporting', values }, async (report) => {
      const step = { id: record.name, text: `export ${record.name} to ${output}` };
      report({ ...step, state: 'Exporting', status: 'working' });
      const { exportContainer, exportToFile } = await import('#container/export.ts');
      if (!isDryRun(context, values)) {
        if (output === '') await exportContainer(store, record.id, (piece) => out.write(piece), { abort });
        else await exportToFile(store, record.id, output, { abort });
      }
      report({ ...step, state: 'Exported', status: 'done' });
    });
  },
});
