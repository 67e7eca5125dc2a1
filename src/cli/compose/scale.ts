import { WherryError } from '#base/error.ts';
import { createOptions, withScale } from '#cli/compose/create-flags.ts';
import { operate } from '#cli/compose/operation.ts';
import { composeCommand, openProject } from '#cli/compose/project.ts';
import { boolean } from '#cli/values.ts';
import { createProject } from '#compose/apply/create.ts';
import { startProject } from '#compose/apply/start.ts';
import { withSelected } from '#compose/model/select.ts';

export default composeCommand({
  usage: 'SERVICE=REPLICAS...',
  summary: 'Scale services',
  details: 'New containers get the next numbers; of too many those with the highest go.',
  examples: [{ does: 'Have three of a service', line: 'wherry compose scale web=3' }],
  flags: { 'no-deps': { as: boolean, summary: "Don't start linked services" } },
  run: async (context, args, values) => {
    const replicas = args.map(readReplicas);
    const services = replicas.map(([name]) => name).sort();
    const opened = await openProject(context, services);
    const project = values.noDeps ? withSelected(opened, services, 'ignore') : opened;
    for (const [name, count] of replicas) {
      const service = project.services[name];
      if (service === undefined) throw new WherryError('invalid', `no such service: ${name}`);
      project.services[name] = withScale(service, count);
    }
    await operate(context, { values, title: 'Running' }, async (scope) => {
      await createProject(scope, project, { ...createOptions(context, project, scope, PLAIN), services });
      await startProject(scope, project);
    });
  },
});

const PLAIN = {
  build: false,
  noBuild: true,
  forceRecreate: false,
  noRecreate: false,
  quietPull: false,
  removeOrphans: false,
  scale: [],
  yes: false,
  pull: undefined,
};

function readReplicas(text: string): [service: string, count: number] {
  const at = text.indexOf('=');
  const [name, count] = [text.slice(0, Math.max(at, 0)), text.slice(at + 1)];
  if (name === '' || count === '') throw new WherryError('invalid', `invalid scale specifier: ${text}`);
  if (/^[+-]?\d+$/.test(count)) return [name, Number(count)];
  throw new WherryError('invalid', `invalid scale specifier: can't parse replica value as int: ${text}`);
}
