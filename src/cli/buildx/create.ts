import { readFileSync } from 'node:fs';
import { WherryError } from '#base/error.ts';
import { makeBuilder, useBuilder } from '#build/builders.ts';
import { inBuildx } from '#cli/buildx/buildx.ts';
import { type Context, command, type Values } from '#cli/command.ts';
import { boolean, listOf, text } from '#cli/values.ts';
import { attempt } from '#cli/write-file.ts';
import { generateName } from '#container/names.ts';

const array = listOf('stringArray');

const FLAGS = {
  append: { as: boolean, summary: 'Append a node to builder instead of changing it' },
  bootstrap: { as: boolean, summary: 'Boot builder after creation' },
  'buildkitd-config': { as: text, summary: 'BuildKit daemon config file' },
  'buildkitd-flags': { as: text, summary: 'BuildKit daemon flags' },
  config: { as: text, summary: 'BuildKit daemon config file', hidden: true },
  driver: { as: text, summary: 'Driver to use (available: "docker-container", "kubernetes", "remote")' },
  'driver-opt': { as: array, summary: 'Options for the driver' },
  leave: { as: boolean, summary: 'Remove a node from builder instead of changing it' },
  name: { as: text, summary: 'Builder instance name' },
  node: { as: text, summary: 'Create/modify node with given name' },
  platform: { as: array, summary: 'Fixed platforms for current node' },
  use: { as: boolean, summary: 'Set the current builder instance' },
} as const;

export default command({
  usage: '[CONTEXT|ENDPOINT]',
  summary: 'Create a new builder instance',
  details: `
    A builder is a name here: its builds run in the command itself, with the images and the cache of all the user's builds,
    so that it needs no start. What would set up a BuildKit daemon has no effect and is said; builders on other machines
    (remote, kubernetes) are refused.`,
  examples: [{ does: 'As scripts begin', line: 'wherry buildx create --name ci --use' }],
  flags: FLAGS,
  run: (context, [endpoint = ''], values) => inBuildx(context, () => create(context, endpoint, values)),
});

async function create(context: Context, endpoint: string, values: Values<typeof FLAGS>): Promise<void> {
  checkPlace(endpoint, values);
  for (const warning of withoutEffect(values)) context.err.line(`WARNING: ${warning}`);
  const name = values.name || generateName();
  await makeBuilder(context.store, {
    name,
    driver: 'docker-container',
    node: values.node || undefined,
    platforms: values.platform,
  });
  if (values.use) await useBuilder(context.store, name);
  context.out.line(name);
}

/** Throws kind `invalid` in buildx's words, and `unsupported` for builders that are elsewhere. */
function checkPlace(endpoint: string, { driver = '', append, leave }: Values<typeof FLAGS>): void {
  const elsewhere = (what: string) =>
    new WherryError(
      'unsupported',
      `Cannot create a builder ${what}: builds run in the command itself, on this machine`,
      {
        hint: 'Run the build on that machine',
      },
    );
  if (driver === 'docker')
    throw new WherryError('invalid', 'additional instances of driver "docker" cannot be created');
  if (driver === 'remote' || driver === 'kubernetes') throw elsewhere(`with the driver "${driver}"`);
  if (driver !== '' && driver !== 'docker-container') {
    throw new WherryError('invalid', `failed to find driver "${driver}"`);
  }
  if (append || leave) throw elsewhere(`of several nodes (--${append ? 'append' : 'leave'})`);
  if (endpoint !== '' && endpoint !== 'default') throw elsewhere(`at "${endpoint}"`);
}

/** What would be a daemon's. Entitlements are given by each build, with --allow. */
function withoutEffect(values: Values<typeof FLAGS>): string[] {
  const config = values.buildkitdConfig || values.config;
  if (config) attempt('failed to read BuildKit config: open', config, () => readFileSync(config));
  const flags = (values.buildkitdFlags ?? '').replaceAll(/--allow-insecure-entitlement[ =]\S+/g, '').trim();
  const none = (flag: string) => `${flag} has no effect: builds run without a BuildKit daemon`;
  return [
    ...(config ? [`${none('--buildkitd-config')}; registries are those of registries.conf`] : []),
    ...(flags === '' ? [] : [none('--buildkitd-flags')]),
    ...(values.driverOpt.length === 0 ? [] : [none('--driver-opt')]),
  ];
}
