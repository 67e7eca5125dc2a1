import { WherryError } from '#base/error.ts';
import { goEntries } from '#base/go-json.ts';
import { localNanoTime } from '#base/units.ts';
import { command, given } from '#cli/command.ts';
import { readPeriod } from '#cli/event-period.ts';
import { FORMAT_SUMMARY } from '#cli/format.ts';
import { boolean, filter, text } from '#cli/values.ts';
import { type Event, watchEvents } from '#engine/events.ts';

export default command({
  usage: '',
  summary: 'Get real time events from the server',
  details: `
    Without --since and --until it shows what happens from now on, until it is stopped. What happened before is kept in
    the store for some ten thousand events.

    Filters: config, container, daemon, event, image, label, network, node, plugin, scope, secret, service, type, volume.
    A container, network or volume is meant by the beginning of its name or ID, an image with or without its tag.`,
  examples: [
    {
      does: 'What containers did in the last hour',
      line: 'wherry events --since 1h --until 0s --filter type=container',
    },
  ],
  flags: {
    filter: { short: 'f', as: filter, summary: 'Filter output based on conditions provided' },
    format: { as: text, summary: FORMAT_SUMMARY },
    'no-trunc': { as: boolean, default: 'true', summary: 'Do not truncate the output' },
    since: { as: text, summary: 'Show all events created since timestamp' },
    stream: {
      as: boolean,
      default: 'true',
      summary: 'Go on with what happens from now on; false ends with what has happened',
    },
    until: { as: text, summary: 'Stream events until this timestamp' },
  },
  run: async (context, _args, { filter: filters, format = '', noTrunc, since = '', stream, until = '' }) => {
    const show = await formatter(format, noTrunc);
    const options = given(readPeriod(since, until));
    const rest = { filters, stream, fromOwnStart: true, abort: context.abort };
    for await (const events of watchEvents(context.store, { ...options, ...rest })) {
      context.out.write(events.map((event) => `${show(event)}\n`).join(''));
    }
  },
});

const BAD_FORMAT = 'Error parsing format: ';
const BAD_FORMAT_STATUS = 64;

/** What makes a line of an event. Throws kind `invalid` for a template that can't be read, or does not fit any event. */
async function formatter(format: string, noTrunc: boolean): Promise<(event: Event) => string> {
  if (format === '') return (event) => plainLine(event, noTrunc);
  const [{ compileTyped }, { shaped }] = await Promise.all([import('#cli/template.ts'), import('#cli/goshapes.ts')]);
  const options = { parsePrefix: BAD_FORMAT, parseStatus: BAD_FORMAT_STATUS };
  const render = compileTyped(format === 'json' ? '{{json .}}' : format, options);
  const asLine = (data: object) => render(shaped('*events.Message', data));
  try {
    asLine({});
  } catch (error) {
    if (!(error instanceof WherryError)) throw error;
    throw new WherryError(error.kind, error.message, { cause: error, exitCode: BAD_FORMAT_STATUS });
  }
  return (event) => asLine(message(event));
}

/** `TIME TYPE ACTION ID (name=value, …)`. */
function plainLine({ type, action, id, attributes, nano }: Event, noTrunc: boolean): string {
  const shown = noTrunc ? id : id.replace(/^(sha256:)?([0-9a-f]{12})[0-9a-f]{52}$/, '$2');
  const pairs = goEntries(attributes).map(([name, value]) => `${name}=${value}`);
  const behind = pairs.length === 0 ? '' : ` (${pairs.join(', ')})`;
  return `${localNanoTime(nano)} ${type} ${action} ${shown}${behind}`;
}

/** The Engine API's EventMessage; what it was in the API's first version stands in front where it is not empty. */
function message({ type, action, id, attributes, nano }: Event): object {
  const isOld = type === 'container' || type === 'image';
  return {
    ...(isOld ? { status: action } : {}),
    ...(isOld && id !== '' ? { id } : {}),
    ...(type === 'container' && attributes.image ? { from: attributes.image } : {}),
    Type: type,
    Action: action,
    Actor: { ID: id, Attributes: Object.fromEntries(goEntries(attributes)) },
    scope: 'local',
    time: Number(nano / 1_000_000_000n),
    timeNano: nano,
  };
}
