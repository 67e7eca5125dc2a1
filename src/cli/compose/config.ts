import { writeFileSync } from 'node:fs';
import { WherryError } from '#base/error.ts';
import type { Context } from '#cli/command.ts';
import { composeCommand, composeFlags, openModel, openProject, type Wishes } from '#cli/compose/project.ts';
import { boolean, text } from '#cli/values.ts';
import type { Project } from '#compose/model/project.ts';

const FLAGS = {
  environment: { as: boolean, summary: 'Print environment used for interpolation.' },
  format: { as: text, summary: 'Format the output. Values: [yaml | json]' },
  hash: { as: text, summary: 'Print the service config hash, one per line.' },
  images: { as: boolean, summary: 'Print the image names, one per line.' },
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
  services: { as: boolean, summary: 'Print the service names, one per line.' },
  volumes: { as: boolean, summary: 'Print the volume names, one per line.' },
} as const;

/** What only lists names needs no service's env files. */
const LISTS: readonly [keyof Wanted, (context: Context, names: string[], values: Wanted) => Promise<string[]>][] = [
  ['services', listServices],
  ['volumes', async (context, _, values) => Object.keys((await open(context, [], values)).volumes ?? {}).sort()],
  ['networks', async (context, _, values) => Object.keys((await open(context, [], values)).networks ?? {}).sort()],
  ['models', listModels],
  ['hash', listHashes],
  ['profiles', listProfiles],
  ['images', listImages],
  ['environment', listEnvironment],
];

export default composeCommand({
  usage: '[SERVICE...]',
  summary: 'Parse, resolve and render compose file in canonical format',
  details: `
    Reads the files as every other command does, checks them, and prints what came of them: variables filled in, files
    merged, short forms written out, defaults and names in the engine added.`,
  examples: [],
  flags: FLAGS,
  store: false,
  run: async (context, names, values) => {
    const lines = LISTS.find(([flag]) => values[flag])?.[1];
    if (lines === undefined) return printConfig(context, names, values);
    const found = await lines(context, names, values);
    if (!values.quiet) for (const line of found) context.out.line(line);
  },
});

interface Wanted {
  format: string | undefined;
  hash: string | undefined;
  output: string | undefined;
  quiet: boolean;
  environment: boolean;
  images: boolean;
  models: boolean;
  networks: boolean;
  noConsistency: boolean;
  noEnvResolution: boolean;
  noInterpolate: boolean;
  noNormalize: boolean;
  noPathResolution: boolean;
  profiles: boolean;
  services: boolean;
  volumes: boolean;
}

/** What the flags leave out of loading. */
function wishesOf(context: Context, values: Wanted): Wishes {
  return {
    interpolate: !values.noInterpolate,
    resolvePaths: !values.noPathResolution,
    normalize: !values.noNormalize && !composeFlags(context).compatibility,
    consistency: !values.noConsistency,
  };
}

/** Without what services' env files say. */
const open = (context: Context, names: readonly string[], values: Wanted): Promise<Project> =>
  openProject(context, names, { ...wishesOf(context, values), resolveEnvironment: false });

/** Dependencies stand before who needs them. */
async function listServices(context: Context, _names: string[], values: Wanted): Promise<string[]> {
  if (values.noInterpolate) {
    const { mapAt } = await import('#compose/model/tree.ts');
    return Object.keys(mapAt(await openModel(context, wishesOf(context, values)), 'services')).sort();
  }
  const { services } = await open(context, [], values);
  const found = new Set<string>();
  const visit = (name: string, path: readonly string[] = []): void => {
    if (found.has(name) || path.includes(name) || services[name] === undefined) return;
    for (const other of Object.keys(services[name].depends_on ?? {}).sort()) visit(other, [...path, name]);
    found.add(name);
  };
  for (const name of Object.keys(services).sort()) visit(name);
  return [...found];
}

async function listModels(context: Context, _names: string[], values: Wanted): Promise<string[]> {
  const { models = {} } = await open(context, [], values);
  return Object.values(models).flatMap(({ model }) => model || []);
}

async function listHashes(context: Context, _names: string[], values: Wanted): Promise<string[]> {
  const { serviceHash } = await import('#compose/model/hash.ts');
  const { invalid } = await import('#compose/model/tree.ts');
  const project = await open(context, [], values);
  const platform = project.environment.DOCKER_DEFAULT_PLATFORM;
  const names = values.hash === '*' ? Object.keys(project.services) : (values.hash ?? '').split(',');
  return names.sort().map((name) => {
    const service = project.services[name];
    if (service === undefined) {
      const why = project.disabledServices[name] === undefined ? 'not found' : 'disabled';
      throw invalid(`no such service: ${name}: ${why}`);
    }
    const isPlaced = service.build === undefined || service.platform !== undefined || !platform;
    return `${name} ${serviceHash(isPlaced ? service : { ...service, platform })}`;
  });
}

async function listProfiles(context: Context, names: string[], values: Wanted): Promise<string[]> {
  const { services, disabledServices } = await open(context, names, values);
  const all = Object.values({ ...services, ...disabledServices }).flatMap(({ profiles = [] }) => profiles);
  return [...new Set(all)].sort();
}

/** A service that is built has an image as well, by the name that compose gives it. */
async function listImages(context: Context, names: string[], values: Wanted): Promise<string[]> {
  const project = await open(context, names, values);
  const separator = composeFlags(context).compatibility ? '_' : '-';
  return Object.values(project.services)
    .sort((one, other) => (one.name < other.name ? -1 : 1))
    .map(({ name, image }) => image || `${project.name}${separator}${name}`);
}

async function listEnvironment(context: Context, names: string[], values: Wanted): Promise<string[]> {
  const { environment } = await openProject(context, names, wishesOf(context, values));
  return Object.entries(environment)
    .map(([name, value]) => `${name}=${value}`)
    .sort();
}

async function printConfig(context: Context, names: string[], values: Wanted): Promise<void> {
  const text = values.noInterpolate ? await modelText(context, values) : await projectText(context, names, values);
  if (values.quiet) return;
  if (values.output) writeFileSync(values.output, text);
  else context.out.write(text);
}

const badFormat = (format: string) => new WherryError('invalid', `unsupported format ${JSON.stringify(format)}`);

/** As read, without variables filled in; its own dollars stand as they are. */
async function modelText(context: Context, values: Wanted): Promise<string> {
  const { treeJson, treeYaml } = await import('#compose/model/print.ts');
  const model = await openModel(context, wishesOf(context, values));
  const { format = 'yaml' } = values;
  if (format !== 'yaml' && format !== 'json') throw badFormat(format);
  return format === 'json' ? treeJson(model) : treeYaml(model);
}

async function projectText(context: Context, names: string[], values: Wanted): Promise<string> {
  const { projectJson, projectYaml } = await import('#compose/model/print.ts');
  const { checkContainerNames } = await import('#compose/model/consistency.ts');
  const project = await openProject(context, names, {
    ...wishesOf(context, values),
    resolveEnvironment: !values.noEnvResolution,
  });
  if (!values.noConsistency) checkContainerNames(project);
  const format = values.format || 'yaml';
  if (format !== 'yaml' && format !== 'json') throw badFormat(format);
  const text = format === 'json' ? projectJson(project) : projectYaml(project);
  // What is printed may be read again: a dollar is no variable there.
  return text.replaceAll('$', '$$$$');
}
