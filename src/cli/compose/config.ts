import { writeFileSync } from 'node:fs';
import { LISTS } from '#cli/compose/config-lists.ts';
import { configText } from '#cli/compose/config-text.ts';
import { composeCommand } from '#cli/compose/project.ts';
import { boolean, text } from '#cli/values.ts';
import { attempt } from '#cli/write-file.ts';

const FLAGS = {
  environment: { as: boolean, summary: 'Print environment used for interpolation.' },
  format: { as: text, summary: 'Format the output. Values: [yaml | json]' },
  hash: { as: text, summary: 'Print the service config hash, one per line.' },
  images: { as: boolean, summary: 'Print the image names, one per line.' },
  'lock-image-digests': { as: boolean, summary: 'Produces an override file with image digests' },
  models: { as: boolean, summary: 'Print the model names, one per line.' },
  networks: { as: boolean, summary: 'Print the network names, one per line.' },
  'no-consistency': {
    as: boolean,
    summary: "Don't check model consistency - warning: may produce invalid Compose output",
  },
  'no-env-resolution': { as: boolean, summary: "Don't resolve service env files" },
  'no-interpolate': { as: boolean, summary: "Don't interpolate environment variables" },
  'no-normalize': { as: boolean, summary: "Don't normalize compose model" },
  'no-path-resolution': { as: boolean, summary: "Don't resolve file paths" },
  output: { short: 'o', as: text, summary: 'Save to file (default to stdout)' },
  profiles: { as: boolean, summary: 'Print the profile names, one per line.' },
  quiet: { short: 'q', as: boolean, summary: "Only validate the configuration, don't print anything" },
  'resolve-image-digests': { as: boolean, summary: 'Pin image tags to digests' },
  services: { as: boolean, summary: 'Print the service names, one per line.' },
  variables: { as: boolean, summary: 'Print model variables and default values.' },
  volumes: { as: boolean, summary: 'Print the volume names, one per line.' },
} as const;

export default composeCommand({
  usage: '[SERVICE...]',
  summary: 'Parse, resolve and render compose file in canonical format',
  details: `
    Reads the files as every other command does, checks them, and prints what came of them: variables filled in, files
    merged, short forms written out, defaults and names in the engine added.`,
  flags: FLAGS,
  store: false,
  run: async (context, names, values) => {
    const list = LISTS.find(([flag]) => values[flag])?.[1];
    const found = await (list ?? configText)(context, names, values);
    // As compose: what is listed is printed for all that.
    if (values.quiet && list === undefined) return;
    const { output } = values;
    if (list === undefined && output && found !== '') attempt('open', output, () => writeFileSync(output, found));
    else context.out.write(found);
  },
});
