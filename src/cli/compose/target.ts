/** What a command of compose is about: the project by its files or by its name alone, and the screen it is shown on. */
import type { Context } from '#cli/command.ts';
import { composeFlags } from '#cli/compose/flags.ts';
import { type ProgressOptions, withProgress } from '#cli/compose/progress.ts';
import { isDryRun, openProject } from '#cli/compose/project.ts';
import { infoOf, modeOf } from '#cli/compose/settings.ts';
import type { Report } from '#compose/apply/event.ts';

/** For commands that ask for containers by their labels: no file is read where the name is given. */
export async function projectName(context: Context): Promise<string> {
  const name = composeFlags(context).projectName || process.env.COMPOSE_PROJECT_NAME;
  return name || (await openProject(context)).name;
}

/** How the steps of an operation are shown. values: the verb's own flags. */
const progressOptions = (context: Context, title: string, values: object = {}): ProgressOptions => ({
  mode: modeOf(context),
  title,
  dryRun: isDryRun(context, values),
});

/** Runs an operation, and shows its steps where and how the user wants them. */
export function shown<T>(
  context: Context,
  { title, values = {} }: { title: string; values?: object },
  operation: (report: Report) => Promise<T>,
): Promise<T> {
  return withProgress(infoOf(context), progressOptions(context, title, values), operation);
}
