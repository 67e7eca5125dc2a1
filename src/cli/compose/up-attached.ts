/** `up` in front of its containers: whose output is shown, whose end counts, and how the project is stopped again. */
import { type Context, given } from '#cli/command.ts';
import { type Attached, attendProject } from '#cli/compose/attached.ts';
import { openLogLines } from '#cli/compose/log-lines.ts';
import { operate } from '#cli/compose/operation.ts';
import { isOn } from '#cli/compose/questions.ts';
import { colouredOf, infoOf, modeOf } from '#cli/compose/settings.ts';
import { isInForeground } from '#cli/terminal.ts';
import { killServices, stopProject } from '#compose/apply/restart.ts';
import type { Scope } from '#compose/apply/scope.ts';
import { startProject } from '#compose/apply/start.ts';
import type { Project } from '#compose/model/project.ts';
import { withSelected } from '#compose/model/select.ts';
import { logName } from '#compose/view/containers.ts';

export interface AttachedFlags {
  abortOnContainerExit: boolean;
  abortOnContainerFailure: boolean;
  attach: readonly string[];
  attachDependencies: boolean;
  exitCodeFrom: string | undefined;
  menu: boolean;
  noAttach: readonly string[];
  noColor: boolean;
  noLogPrefix: boolean;
  timeout: number | undefined;
  timestamps: boolean;
  watch: boolean;
}

/** Starts what was created and stays until all has ended. services: as named on the command line. @returns the exit status */
export async function stayInFront(
  context: Context,
  project: Project,
  services: readonly string[],
  values: AttachedFlags,
  { watch }: Pick<Attached, 'watch'>,
): Promise<number> {
  const attach = attachedServices(project, services, values);
  const { noColor, noLogPrefix, timestamps } = values;
  const coloured = !noColor && colouredOf(context);
  const lines = openLogLines(context, { coloured, prefixed: !noLogPrefix, timestamps });
  const subject = { name: project.name, project };
  const timeout = context.given.has('timeout') ? values.timeout : undefined;
  return operate(context, { values, title: 'Running', quiet: true, signals: false }, (deaf) => {
    const scope: Scope = { ...deaf, hear: (container, line) => lines.log(`${logName(container)} ->`, line) };
    return attendProject(context, {
      project: project.name,
      attach,
      services,
      onExit: onExitOf(values),
      lines,
      info: infoOf(context),
      mode: modeOf(context),
      menu: wantsMenu(context, values.menu),
      isWatching: values.watch,
      start: () => startProject(scope, project),
      stop: (report) => stopProject({ ...scope, report }, subject, { services, ...given({ timeout }) }),
      kill: async (report) => {
        await killServices({ ...scope, report }, subject, { services, signal: 'SIGKILL', removeOrphans: false });
      },
      ...given({ exitCodeFrom: values.exitCodeFrom || undefined, watch }),
    });
  });
}

/** --menu, or COMPOSE_MENU; by itself it is there. A terminal must show it and give its keys. */
function wantsMenu(context: Context, flag: boolean): boolean {
  const isUsual = process.env.COMPOSE_MENU === undefined || isOn('COMPOSE_MENU');
  const wanted = context.given.has('menu') ? flag : isUsual;
  return wanted && modeOf(context) !== 'plain' && context.out.isTerminal && isInForeground();
}

function onExitOf({ abortOnContainerExit, abortOnContainerFailure, exitCodeFrom }: AttachedFlags): Attached['onExit'] {
  if (abortOnContainerFailure) return 'fail';
  return abortOnContainerExit || exitCodeFrom ? 'stop' : 'ignore';
}

/** Those of --attach; else what was named, or all, but for `attach: false`. --no-attach takes away from both. */
function attachedServices(project: Project, services: readonly string[], flags: AttachedFlags): string[] {
  const { attach, attachDependencies, noAttach } = flags;
  const chosen = withSelected(project, services, attachDependencies ? 'include' : 'ignore').services;
  const wanted = Object.values(chosen).filter((service) => service.attach !== false);
  const names = attach.length > 0 ? attach : wanted.map(({ name }) => name);
  return [...new Set(names)].filter((name) => !noAttach.includes(name));
}
