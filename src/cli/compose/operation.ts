/** What the verbs that change something share: the project they are about, and how its steps are shown. */
import { WherryError } from '#base/error.ts';
import { given } from '#base/given.ts';
import type { Context, Output } from '#cli/command.ts';
import { composeFlags } from '#cli/compose/flags.ts';
import { openProgress } from '#cli/compose/progress.ts';
import { envFiles, isDryRun, openProject, type Wishes, warn } from '#cli/compose/project.ts';
import { isOn } from '#cli/compose/questions.ts';
import { infoOf, modeOf, parallelOf } from '#cli/compose/settings.ts';
import type { Subject } from '#compose/apply/restart.ts';
import type { Scope } from '#compose/apply/scope.ts';

/** The project of the command line, or its name alone where -p gives one and no file is named. */
export async function projectOrName(
  context: Context,
  services: readonly string[] = [],
  wishes: Pick<Wishes, 'look' | 'ask'> = {},
): Promise<Subject> {
  const { file, projectName } = composeFlags(context);
  if (file.length === 0 && projectName) return { name: projectName };
  try {
    const project = await openProject(context, services, { ...wishes, resolveEnvironment: false });
    return { name: project.name, project };
  } catch (error) {
    const named = process.env.COMPOSE_PROJECT_NAME;
    if (!named || !(error instanceof WherryError)) throw error;
    return { name: named };
  }
}

export interface Showing {
  /** The verb's own flags: --dry-run may be among them. */
  values: object;
  /** What is done, for a terminal: Running, Stopping … */
  title: string;
  /** What they are shown on; else what the user wants. */
  output?: Output;
  /** Nothing is shown. */
  quiet?: boolean;
  /** How, in the verb's own --progress. */
  progress?: string | undefined;
  /** false: signals are somebody else's afterwards, and end the command now. */
  signals?: false;
  /** It can't be pretended: --dry-run is refused. */
  isReal?: boolean;
}

/** Does an operation whose steps are shown. */
export async function operate<T>(
  context: Context,
  { values, title, output = infoOf(context), quiet = false, progress, signals, isReal = false }: Showing,
  operation: (scope: Scope) => Promise<T>,
): Promise<T> {
  const flags = composeFlags(context);
  const dryRun = isDryRun(context, values);
  if (dryRun && isReal) {
    throw new WherryError('unsupported', 'dry run mode is not supported by this command', {
      hint: 'Leave out --dry-run; `wherry compose config` shows what the project is',
    });
  }
  const mode = quiet ? 'quiet' : modeOf(context, progress);
  const show = openProgress(output, { mode, title, dryRun });
  const limit = parallelOf(context);
  const isLegacy = flags.compatibility || isOn('COMPOSE_COMPATIBILITY');
  try {
    return await operation({
      store: context.store,
      report: show.report,
      warn: (text) => warn(context, text),
      ...(dryRun ? { pretended: { made: [], gone: new Set<string>() } } : {}),
      ...(signals === false ? {} : { abort: context.abort }),
      envFiles: envFiles(context),
      ...(isLegacy ? { separator: '_' } : {}),
      ...given({ parallel: limit > 0 ? limit : undefined }),
    });
  } finally {
    show.end();
  }
}
