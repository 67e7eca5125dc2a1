/** The flags of `compose config` that list something, a line each. */
import type { Context } from '#cli/command.ts';
import { type Wanted, wishesOf } from '#cli/compose/config-text.ts';
import { composeFlags } from '#cli/compose/flags.ts';
import { openModel, openProject } from '#cli/compose/project.ts';
import { isOn } from '#cli/compose/questions.ts';
import type { Project } from '#compose/model/project.ts';

type List = (context: Context, names: string[], values: Wanted) => Promise<string>;

const lines = (list: readonly string[]) => list.map((line) => `${line}\n`).join('');

/** Without what services' env files say. */
const open = (context: Context, names: readonly string[], values: Wanted): Promise<Project> =>
  openProject(context, names, { ...wishesOf(context, values), resolveEnvironment: false });

const openAll: (...asked: Parameters<List>) => Promise<Project> = (context, _names, values) =>
  open(context, [], values);

/** Dependencies stand before who needs them. */
async function listServices(context: Context, _names: string[], values: Wanted): Promise<string> {
  if (values.noInterpolate) {
    const { mapAt } = await import('#compose/model/tree.ts');
    return lines(Object.keys(mapAt(await openModel(context, wishesOf(context, values)), 'services')).sort());
  }
  const { services } = await open(context, [], values);
  const found = new Set<string>();
  const visit = (name: string, path: readonly string[] = []): void => {
    if (found.has(name) || path.includes(name) || services[name] === undefined) return;
    for (const other of Object.keys(services[name].depends_on ?? {}).sort()) visit(other, [...path, name]);
    found.add(name);
  };
  for (const name of Object.keys(services).sort()) visit(name);
  return lines([...found]);
}

async function listModels(context: Context, _names: string[], values: Wanted): Promise<string> {
  const { models = {} } = await open(context, [], values);
  return lines(Object.values(models).flatMap(({ model }) => model || []));
}

async function listHashes(context: Context, _names: string[], values: Wanted): Promise<string> {
  const { serviceHash } = await import('#compose/model/hash.ts');
  const { invalid } = await import('#compose/model/tree.ts');
  const project = await open(context, [], values);
  const platform = project.environment.DOCKER_DEFAULT_PLATFORM;
  const names = values.hash === '*' ? Object.keys(project.services) : (values.hash ?? '').split(',');
  for (const name of names.sort()) {
    const service = project.services[name];
    if (service === undefined) {
      const why = project.disabledServices[name] === undefined ? 'not found' : 'disabled';
      throw invalid(`no such service: ${name}: ${why}`);
    }
    const isPlaced = service.build === undefined || service.platform !== undefined || !platform;
    // One by one, as compose: those before one that is unknown are printed.
    context.out.line(`${name} ${serviceHash(isPlaced ? service : { ...service, platform })}`);
  }
  return '';
}

async function listProfiles(context: Context, names: string[], values: Wanted): Promise<string> {
  const { services, disabledServices } = await open(context, names, values);
  const all = Object.values({ ...services, ...disabledServices }).flatMap(({ profiles = [] }) => profiles);
  return lines([...new Set(all)].sort());
}

/** A service that is built has an image as well, by the name that compose gives it. */
async function listImages(context: Context, names: string[], values: Wanted): Promise<string> {
  const project = await open(context, names, values);
  const isLegacy = composeFlags(context).compatibility || isOn('COMPOSE_COMPATIBILITY', project.environment);
  const separator = isLegacy ? '_' : '-';
  const services = Object.values(project.services).sort((one, other) => (one.name < other.name ? -1 : 1));
  return lines(services.map(({ name, image }) => image || `${project.name}${separator}${name}`));
}

async function listVariables(context: Context, _names: string[], values: Wanted): Promise<string> {
  const { variablesText } = await import('#cli/compose/variables.ts');
  const model = await openModel(context, { ...wishesOf(context, values), interpolate: false });
  return variablesText(model, values.format);
}

async function listEnvironment(context: Context, names: string[], values: Wanted): Promise<string> {
  const { environment } = await openProject(context, names, wishesOf(context, values));
  const all = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  return lines(all.sort());
}

/** By their flags, in compose's order: the first that is given counts. */
export const LISTS: readonly [keyof Wanted, List][] = [
  ['services', listServices],
  ['volumes', async (...asked) => lines(Object.keys((await openAll(...asked)).volumes ?? {}).sort())],
  ['networks', async (...asked) => lines(Object.keys((await openAll(...asked)).networks ?? {}).sort())],
  ['models', listModels],
  ['hash', listHashes],
  ['profiles', listProfiles],
  ['images', listImages],
  ['variables', listVariables],
  ['environment', listEnvironment],
];
