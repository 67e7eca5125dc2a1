/** What `compose config` prints: the project as YAML or JSON, or the files' tree without their variables filled in. */
import { WherryError } from '#base/error.ts';
import type { Context } from '#cli/command.ts';
import { composeFlags } from '#cli/compose/flags.ts';
import { openModel, openProject, type Wishes } from '#cli/compose/project.ts';
import type { Project } from '#compose/model/project.ts';
import { isMap, mapAt, type TreeMap } from '#compose/model/tree.ts';

/** The flags of `compose config`. */
export interface Wanted {
  format: string | undefined;
  hash: string | undefined;
  output: string | undefined;
  quiet: boolean;
  environment: boolean;
  images: boolean;
  lockImageDigests: boolean;
  models: boolean;
  networks: boolean;
  noConsistency: boolean;
  noEnvResolution: boolean;
  noInterpolate: boolean;
  noNormalize: boolean;
  noPathResolution: boolean;
  profiles: boolean;
  resolveImageDigests: boolean;
  services: boolean;
  variables: boolean;
  volumes: boolean;
}

/** What the flags leave out of loading. */
export function wishesOf(context: Context, values: Wanted): Wishes {
  return {
    interpolate: !values.noInterpolate,
    resolvePaths: !values.noPathResolution,
    normalize: !values.noNormalize && !composeFlags(context).compatibility,
    consistency: !values.noConsistency,
  };
}

export async function configText(context: Context, names: string[], values: Wanted): Promise<string> {
  const format = values.format || 'yaml';
  const text = await (values.noInterpolate ? modelText : projectText)(context, names, values);
  if (format !== 'yaml' && format !== 'json') {
    throw new WherryError('invalid', `unsupported format ${JSON.stringify(format)}`);
  }
  return text;
}

const isPinned = ({ resolveImageDigests, lockImageDigests }: Wanted) => resolveImageDigests || lockImageDigests;

/** Each image's name with the digest that its registry has now. */
async function pinned(context: Context, images: readonly string[]): Promise<Map<string, string>> {
  const { pinnedName } = await import('#image/pinned.ts');
  const { abort } = context;
  const names = [...new Set(images)].map(async (image): Promise<[string, string]> => {
    try {
      return [image, await pinnedName(image, { abort })];
    } catch (error) {
      if (!(error instanceof WherryError)) throw error;
      throw new WherryError('invalid', `failed to resolve digest for ${image}: ${error.message}`, { cause: error });
    }
  });
  return new Map(await Promise.all(names));
}

/** As read, without variables filled in; its own dollars stand as they are. */
async function modelText(context: Context, _names: string[], values: Wanted): Promise<string> {
  const { treeJson, treeYaml } = await import('#compose/model/print.ts');
  const model = await openModel(context, wishesOf(context, values));
  if (isPinned(values)) await pinModel(context, model);
  const shown = values.lockImageDigests ? imagesOfModel(model) : model;
  return values.format === 'json' ? treeJson(shown) : treeYaml(shown);
}

async function pinModel(context: Context, model: TreeMap): Promise<void> {
  const services = Object.values(mapAt(model, 'services')).filter(isMap);
  const names = await pinned(
    context,
    services.flatMap(({ image }) => (typeof image === 'string' ? image : [])),
  );
  for (const service of services) if (typeof service.image === 'string') service.image = names.get(service.image);
}

/** An override that says the images alone. */
function imagesOfModel(model: TreeMap): TreeMap {
  const services = Object.entries(mapAt(model, 'services')).map(([name, service]): [string, TreeMap] => {
    const { image } = isMap(service) ? service : {};
    return [name, image === undefined ? {} : { image }];
  });
  return { services: Object.fromEntries(services) };
}

async function projectText(context: Context, names: string[], values: Wanted): Promise<string> {
  const { projectJson, projectYaml } = await import('#compose/model/print.ts');
  const { checkContainerNames } = await import('#compose/model/consistency.ts');
  const opened = await openProject(context, names, {
    ...wishesOf(context, values),
    resolveEnvironment: !values.noEnvResolution,
  });
  const project = isPinned(values) ? await pinProject(context, opened) : opened;
  if (!values.noConsistency) checkContainerNames(project);
  const shown = values.lockImageDigests ? imagesOf(project) : project;
  const text = values.format === 'json' ? projectJson(shown) : projectYaml(shown);
  // What is printed may be read again: a dollar is no variable there.
  return text.replaceAll('$', '$$$$');
}

async function pinProject(context: Context, project: Project): Promise<Project> {
  const names = await pinned(
    context,
    Object.values(project.services).flatMap(({ image }) => image || []),
  );
  const services = Object.entries(project.services).map(([name, service]): [string, Project['services'][string]] => {
    const image = names.get(service.image ?? '');
    return [name, image === undefined ? service : { ...service, image }];
  });
  return { ...project, services: Object.fromEntries(services) };
}

/** An override that says the images alone. */
function imagesOf({ workingDir, composeFiles, environment, profiles, services }: Project): Project {
  const images = Object.entries(services).map(([key, { name, image }]): [string, Project['services'][string]] => {
    return [key, image === undefined ? { name } : { name, image }];
  });
  const bare = { name: '', services: Object.fromEntries(images), disabledServices: {} };
  return { ...bare, workingDir, composeFiles, environment, profiles };
}
