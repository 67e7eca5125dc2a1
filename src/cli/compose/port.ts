import { WherryError } from '#base/error.ts';
import { composeCommand } from '#cli/compose/project.ts';
import { projectName } from '#cli/compose/target.ts';
import { integer, text } from '#cli/values.ts';
import { specifiedContainer } from '#compose/view/containers.ts';
import { portsOf } from '#container/view.ts';

export default composeCommand({
  usage: 'SERVICE PRIVATE_PORT',
  summary: 'Print the public port for a port binding',
  examples: [{ does: 'Where the second of three can be reached', line: 'wherry compose port --index 2 web 80' }],
  flags: {
    index: { as: integer, default: '0', summary: 'Index of the container if service has multiple replicas' },
    protocol: { as: text, default: 'tcp', summary: 'tcp or udp' },
  },
  run: async (context, [service = '', wanted = ''], { index, protocol }) => {
    const number = readPort(wanted);
    const kind = protocol.toLowerCase();
    const project = await projectName(context);
    const seen = specifiedContainer(context.store, project, { service, index, all: false, oneOff: true });
    const ports = portsOf(seen);
    const found = ports.find(({ inside, protocol: spoken }) => inside === number && spoken === kind);
    if (found === undefined) {
      const others = ports.map(({ outside, protocol: spoken }) => `${outside}/${spoken}`).join(', ');
      throw new WherryError('invalid', `no port ${number}/${kind} for container ${seen.record.name}: ${others}`);
    }
    context.out.line(`${found.ip}:${found.outside}`);
  },
});

/** strconv.ParseUint of 16 bits. */
function readPort(text: string): number {
  const why = !/^\d+$/.test(text) ? 'invalid syntax' : Number(text) > 65535 ? 'value out of range' : undefined;
  if (why === undefined) return Number(text);
  throw new WherryError('invalid', `strconv.ParseUint: parsing ${JSON.stringify(text)}: ${why}`);
}
