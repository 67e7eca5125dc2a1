/** The flags that up and create share, and what they say of a project. */
import { WherryError } from '#base/error.ts';
import { type Context, type Flags, given } from '#cli/command.ts';
import { ask, isOn } from '#cli/compose/questions.ts';
import { boolean, listOf } from '#cli/values.ts';
import type { CreateOptions } from '#compose/apply/create.ts';
import type { Scope } from '#compose/apply/scope.ts';
import { checkPlatforms } from '#compose/model/platforms.ts';
import type { Project, Service } from '#compose/model/project.ts';

export const CREATE_FLAGS = {
  build: { as: boolean, summary: 'Build images before starting containers' },
  'force-recreate': {
    as: boolean,
    summary: "Recreate containers even if their configuration and image haven't changed",
  },
  'no-build': { as: boolean, summary: "Don't build an image, even if it's policy" },
  'no-recreate': {
    as: boolean,
    summary: "If containers already exist, don't recreate them. Incompatible with --force-recreate.",
  },
  'quiet-pull': { as: boolean, summary: 'Pull without printing progress information' },
  'remove-orphans': { as: boolean, summary: 'Remove containers for services not defined in the Compose file' },
  scale: {
    as: listOf('scale'),
    summary: 'Scale SERVICE to NUM instances. Overrides the scale setting in the Compose file if present.',
  },
  yes: { short: 'y', as: boolean, summary: 'Assume "yes" as answer to all prompts and run non-interactively' },
} as const satisfies Flags;

export interface CreateValues {
  build: boolean;
  noBuild: boolean;
  forceRecreate: boolean;
  noRecreate: boolean;
  quietPull: boolean;
  removeOrphans: boolean;
  scale: readonly string[];
  yes: boolean;
  pull: string | undefined;
}

const invalid = (message: string) => new WherryError('invalid', message);

/** Throws kind `invalid` in compose's words for flags that contradict each other. */
export function checkCreate({ build, noBuild, forceRecreate, noRecreate }: CreateValues): void {
  if (build && noBuild) throw invalid('--build and --no-build are incompatible');
  if (forceRecreate && noRecreate) throw invalid('--force-recreate and --no-recreate are incompatible');
}

const POLICIES = ['always', 'never', 'build', 'missing', 'if_not_present'];

/** The project with --pull, --build and --scale in it. Throws kind `invalid` in compose's words. */
export function withFlags(context: Context, project: Project, values: Pick<CreateValues, 'build' | 'pull' | 'scale'>) {
  const { build, pull = '', scale } = values;
  const policy = context.given.has('pull') ? pull : undefined;
  if (policy !== undefined && !POLICIES.includes(policy)) {
    throw invalid(`invalid --pull option ${JSON.stringify(policy)}`);
  }
  const services = Object.entries(project.services).map(([name, service]): [string, Service] => {
    const chosen = build && service.build !== undefined ? 'build' : policy;
    return [name, { ...service, ...given({ pull_policy: chosen }) }];
  });
  checkPlatforms(project);
  return scaled({ ...project, services: Object.fromEntries(services) }, scale);
}

function scaled(project: Project, flags: readonly string[]): Project {
  const services = { ...project.services };
  for (const flag of flags) {
    const parts = flag.split('=');
    const [name = '', count = ''] = parts;
    if (parts.length !== 2) throw invalid(`invalid --scale option ${JSON.stringify(flag)}. Should be SERVICE=NUM`);
    if (!/^[+-]?\d+$/.test(count)) throw invalid(`strconv.Atoi: parsing ${JSON.stringify(count)}: invalid syntax`);
    const service = services[name];
    if (service === undefined) throw invalid(`no such service: ${name}: not found`);
    services[name] = withScale(service, Number(count));
  }
  return { ...project, services };
}

/** Throws kind `invalid` for less than none. */
export function withScale(service: Service, scale: number): Service {
  const { name, deploy } = service;
  if (scale < 0) throw invalid(`service ${name} cannot be scaled to ${scale}: give a number that is not negative`);
  return { ...service, scale, ...(deploy === undefined ? {} : { deploy: { ...deploy, replicas: scale } }) };
}

/** With COMPOSE_IGNORE_ORPHANS `up` and `run` say nothing of them. */
export const ignoresOrphans = (project: Project): boolean => isOn('COMPOSE_IGNORE_ORPHANS', project.environment);

/** What the engine's side is told. */
export function createOptions(
  context: Context,
  project: Project,
  scope: Scope,
  values: CreateValues & { quietBuild?: boolean },
): CreateOptions {
  const { noBuild, noRecreate, forceRecreate, quietPull, removeOrphans, yes, quietBuild = false } = values;
  const strategy = noRecreate ? 'never' : forceRecreate ? 'force' : 'diverged';
  return {
    recreate: strategy,
    recreateDependencies: noRecreate ? 'never' : 'diverged',
    orphans: removeOrphans ? 'remove' : 'warn',
    noBuild,
    quietPull,
    confirm: (question) => (yes ? Promise.resolve(true) : ask(context, question)),
    build: async (services) => {
      const { buildServices } = await import('#cli/compose/build-services.ts');
      await buildServices(context, project, services, { scope, quiet: quietBuild });
    },
  };
}
