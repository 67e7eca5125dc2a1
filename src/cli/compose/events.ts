import { given } from '#base/given.ts';
import { goEntries } from '#base/go-json.ts';
import { localNanoTime } from '#base/units.ts';
import { composeCommand } from '#cli/compose/project.ts';
import { projectName } from '#cli/compose/target.ts';
import { readPeriod } from '#cli/event-period.ts';
import { goJson } from '#cli/gofmt.ts';
import { boolean, text } from '#cli/values.ts';
import { LABEL } from '#compose/model/labels.ts';
import { type Event, watchEvents } from '#engine/events.ts';

export default composeCommand({
  usage: '[SERVICE...]',
  summary: 'Receive real time events from containers',
  details: `
    With --until it ends at that time, with status 0.`,
  examples: [{ does: 'What happened in the last hour', line: 'wherry compose events --since 1h --until 0s' }],
  flags: {
    json: { as: boolean, summary: 'Output events as a stream of json objects' },
    since: { as: text, summary: 'Show all events created since timestamp' },
    until: { as: text, summary: 'Stream events until this timestamp' },
  },
  run: async (context, services, { json, since = '', until = '' }) => {
    const { store, out, abort } = context;
    const filters = ['type=container', `label=${LABEL.project}=${(await projectName(context)).toLowerCase()}`];
    const period = readPeriod(since, until);
    const isWanted = ({ attributes }: Event) =>
      attributes[LABEL.oneoff] !== 'True' &&
      (services.length === 0 || services.includes(attributes[LABEL.service] ?? ''));
    for await (const events of watchEvents(store, { ...given(period), filters, abort })) {
      out.write(
        events
          .filter(isWanted)
          .map((event) => (json ? asJson(event) : asLine(event)))
          .join(''),
      );
    }
  },
});

/** Without compose's own labels. */
const attributesOf = ({ attributes }: Event): [string, string][] =>
  goEntries(attributes).filter(([name]) => !name.startsWith('com.docker.compose.'));

/** The time to microseconds, and an empty line behind it. */
function asLine(event: Event): string {
  const pairs = attributesOf(event).map(([name, value]) => `${name}=${value}`);
  const [, date = '', clock = ''] = /^(\S+)T(\S{15})/.exec(localNanoTime(event.nano)) ?? [];
  return `${date} ${clock} container ${event.action} ${event.id} (${pairs.join(', ')})\n\n`;
}

function asJson(event: Event): string {
  const message = {
    action: event.action,
    attributes: Object.fromEntries(attributesOf(event)),
    id: event.id,
    service: event.attributes[LABEL.service] ?? '',
    time: localNanoTime(event.nano).replace(/\.?0+(?=Z|[+-]\d\d:\d\d$)/, ''),
    type: 'container',
  };
  return `${goJson(message, { html: true })}\n`;
}
