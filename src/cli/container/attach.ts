import { attachToContainer } from '#cli/attach-container.ts';
import { command, given } from '#cli/command.ts';
import { boolean, text } from '#cli/values.ts';
import { findContainer } from '#container/names.ts';

export default command({
  usage: 'CONTAINER',
  summary: 'Attach local standard input, output, and error streams to a running container',
  details: `
    Several commands may be attached at once. With a terminal, ctrl-p ctrl-q leaves the container alone
    (--detach-keys names other keys). The exit status is the container's.`,
  flags: {
    'detach-keys': { as: text, summary: 'Override the key sequence for detaching a container' },
    'no-stdin': { as: boolean, summary: 'Do not attach STDIN' },
    'sig-proxy': { as: boolean, default: 'true', summary: 'Proxy all received signals to the process' },
  },
  run: (context, [name = ''], { detachKeys, noStdin, sigProxy }) => {
    const record = findContainer(context.store, name);
    return attachToContainer(context, record, { noStdin, sigProxy, ...given({ detachKeys }) });
  },
});
