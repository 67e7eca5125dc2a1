import { WherryError } from '#base/error.ts';
import { command } from '#cli/command.ts';
import { findContainer } from '#container/names.ts';
import { hostPort, type Port } from '#container/portview.ts';
import { lookAt, portsOf } from '#container/view.ts';

export default command({
  usage: 'CONTAINER [PRIVATE_PORT[/PROTO]]',
  summary: 'List port mappings or a specific mapping for the container',
  examples: [{ does: 'Where the web server can be reached', line: 'wherry port web 80/tcp' }],
  flags: {},
  run: (context, [name = '', wanted]) => {
    const published = portsOf(lookAt(context.store, findContainer(context.store, name))).filter(
      (port) => port.ip !== '',
    );
    if (wanted) {
      for (const port of mappingOf(published, wanted, name)) context.out.line(hostPort(port.ip, port.outside));
      return;
    }
    const lines = published
      .toSorted((a, b) => a.inside - b.inside)
      .map((port) => `${port.inside}/${port.protocol} -> ${hostPort(port.ip, port.outside)}`);
    for (const line of lines) context.out.line(line);
  },
});

function mappingOf(published: readonly Port[], wanted: string, name: string): Port[] {
  const [number = '', protocol = 'tcp'] = wanted.split('/');
  const why = !/^\d+$/.test(number) ? 'invalid syntax' : Number(number) > 65535 ? 'value out of range' : undefined;
  if (why !== undefined) {
    const what = `strconv.ParseUint: parsing ${JSON.stringify(number)}: ${why}`;
    throw new WherryError('invalid', `Error: invalid port (${number}): ${what}`);
  }
  const found = published.filter((port) => port.inside === Number(number) && port.protocol === protocol.toLowerCase());
  if (found.length === 0) throw new WherryError('invalid', `Error: No public port '${wanted}' published for ${name}`);
  return found;
}
