import { given } from '#cli/command.ts';
import { operate } from '#cli/compose/operation.ts';
import { composeCommand, openProject } from '#cli/compose/project.ts';
import { boolean, text } from '#cli/values.ts';
import { pullProject } from '#compose/apply/pull.ts';
import { withSelected } from '#compose/model/select.ts';

const DEPRECATED = 'is DEPRECATED and will be ignored.';

export default composeCommand({
  usage: '[SERVICE...]',
  summary: 'Pull service images',
  details: 'An image that several services have is pulled once.',
  examples: [{ does: 'What is not here yet', line: 'wherry compose pull --policy missing' }],
  flags: {
    'ignore-buildable': { as: boolean, summary: 'Ignore images that can be built' },
    'ignore-pull-failures': { as: boolean, summary: 'Pull what it can and ignores images with pull failures' },
    'include-deps': { as: boolean, summary: 'Also pull services declared as dependencies' },
    'no-parallel': { as: boolean, hidden: true, summary: 'DEPRECATED disable parallel pulling' },
    parallel: { as: boolean, hidden: true, summary: 'DEPRECATED pull multiple images in parallel' },
    policy: { as: text, summary: 'Apply pull policy ("missing"|"always")' },
    quiet: { short: 'q', as: boolean, summary: 'Pull without printing progress information' },
  },
  run: async (context, services, values) => {
    const { includeDeps, ignorePullFailures, ignoreBuildable, policy, quiet } = values;
    for (const name of ['no-parallel', 'parallel']) {
      if (context.given.has(name)) context.err.line(`option '--${name}' ${DEPRECATED}`);
    }
    const opened = await openProject(context, services, { resolveEnvironment: false });
    const project = includeDeps ? opened : withSelected(opened, services, 'ignore');
    const wanted = Object.entries(project.services).map(([name, service]) => [
      name,
      service.image ? { ...service, ...given({ pull_policy: policy || undefined }) } : service,
    ]);
    await operate(context, { values, title: 'Pulling' }, (scope) =>
      pullProject(
        scope,
        { ...project, services: Object.fromEntries(wanted) },
        { quiet, ignoreFailures: ignorePullFailures, ignoreBuildable },
      ),
    );
  },
});
