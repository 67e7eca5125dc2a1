import { operate } from '#cli/compose/operation.ts';
import { composeCommand, openProject } from '#cli/compose/project.ts';
import { boolean } from '#cli/values.ts';
import { pushProject } from '#compose/apply/push.ts';
import { withSelected } from '#compose/model/select.ts';

export default composeCommand({
  usage: '[SERVICE...]',
  summary: 'Push service images',
  details: 'Of services that are built and have a name for their image; under the names in build.tags too.',
  examples: [{ does: 'Build and push', line: 'wherry compose build --push' }],
  flags: {
    'ignore-push-failures': { as: boolean, summary: 'Push what it can and ignores images with push failures' },
    'include-deps': { as: boolean, summary: 'Also push images of services declared as dependencies' },
    quiet: { short: 'q', as: boolean, summary: 'Push without printing progress information' },
  },
  run: async (context, services, values) => {
    const { ignorePushFailures, includeDeps, quiet } = values;
    const opened = await openProject(context, services);
    const project = includeDeps ? opened : withSelected(opened, services, 'ignore');
    await operate(context, { values, title: 'Pushing', quiet }, (scope) =>
      pushProject(scope, project, { quiet, ignoreFailures: ignorePushFailures }),
    );
  },
});
