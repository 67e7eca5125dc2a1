import { composeCommand } from '#cli/compose/project.ts';
import { boolean, text } from '#cli/values.ts';
import { COMPOSE_VERSION } from '#compose/model/labels.ts';

export default composeCommand({
  usage: '',
  summary: 'Show the Docker Compose version information',
  details: 'The version is that of the docker compose whose files, labels and words these are.',
  examples: [{ does: 'For scripts', line: 'wherry compose version --short' }],
  store: false,
  flags: {
    format: { short: 'f', as: text, summary: 'Format the output. Values: [pretty | json]. (Default: pretty)' },
    short: { as: boolean, summary: "Shows only Compose's version number" },
  },
  run: ({ out }, _args, { format, short }) => {
    if (short) out.line(COMPOSE_VERSION);
    else if (format === 'json') out.line(JSON.stringify({ version: COMPOSE_VERSION }));
    else out.line(`Docker Compose version ${COMPOSE_VERSION}`);
  },
});
