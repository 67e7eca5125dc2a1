import { attachToContainer } from '#cli/attach-container.ts';
import { given } from '#cli/command.ts';
import { composeCommand, refuseDryRun } from '#cli/compose/project.ts';
import { projectName } from '#cli/compose/target.ts';
import { boolean, integer, text } from '#cli/values.ts';
import { specifiedContainer } from '#compose/view/containers.ts';

export default composeCommand({
  usage: 'SERVICE',
  summary: "Attach local standard input, output, and error streams to a service's running container",
  examples: [{ does: 'Watch, without a way to type', line: 'wherry compose attach --no-stdin web' }],
  flags: {
    'detach-keys': { as: text, summary: 'Override the key sequence for detaching from a container.' },
    index: { as: integer, default: '0', summary: 'index of the container if service has multiple replicas.' },
    'no-stdin': { as: boolean, summary: 'Do not attach STDIN' },
    'sig-proxy': { as: boolean, default: 'true', summary: 'Proxy all received signals to the process' },
  },
  run: async (context, [service = ''], values) => {
    const { detachKeys, index, noStdin, sigProxy } = values;
    const project = await projectName(context);
    const { record } = specifiedContainer(context.store, project, { service, index, all: false, oneOff: true });
    refuseDryRun(context, values, 'interactive run');
    return attachToContainer(context, record, { noStdin, sigProxy, ...given({ detachKeys }) });
  },
});
