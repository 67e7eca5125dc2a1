import { CREATE_FLAGS, checkCreate, createOptions, withFlags } from '#cli/compose/create-flags.ts';
import { operate } from '#cli/compose/operation.ts';
import { composeCommand, openProject } from '#cli/compose/project.ts';
import { text } from '#cli/values.ts';
import { createProject } from '#compose/apply/create.ts';

export default composeCommand({
  usage: '[SERVICE...]',
  summary: 'Creates containers for a service',
  details: 'As up, but nothing is started.',
  examples: [{ does: 'Make the containers of a project', line: 'wherry compose create' }],
  flags: {
    ...CREATE_FLAGS,
    pull: { as: text, default: 'policy', summary: 'Pull image before running ("always"|"missing"|"never"|"build")' },
  },
  run: async (context, services, values) => {
    checkCreate(values);
    const project = withFlags(context, await openProject(context, services), values);
    await operate(context, { values, title: 'Creating' }, async (scope) => {
      const options = createOptions(context, project, scope, values);
      await createProject(scope, project, { ...options, ...(services.length > 0 ? { services } : {}) });
    });
  },
});
