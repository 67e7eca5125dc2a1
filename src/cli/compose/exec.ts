import { given } from '#base/given.ts';
import { attendExec } from '#cli/attend-exec.ts';
import type { Context } from '#cli/command.ts';
import { composeCommand, isDryRun, refuseDryRun } from '#cli/compose/project.ts';
import { DRY_RUN } from '#cli/compose/screen.ts';
import { projectName } from '#cli/compose/target.ts';
import { boolean, integer, listOf, text } from '#cli/values.ts';
import { specifiedContainer } from '#compose/view/containers.ts';

export default composeCommand({
  usage: 'SERVICE COMMAND [ARGS...]',
  summary: 'Execute a command in a running container',
  details: 'It has a terminal where this command has one, and its input stays open.',
  examples: [{ does: 'A shell in the first container of a service', line: 'wherry compose exec db sh' }],
  interspersed: false,
  flags: {
    detach: { short: 'd', as: boolean, summary: 'Detached mode: Run command in the background' },
    env: { short: 'e', as: listOf('stringArray'), summary: 'Set environment variables' },
    index: { as: integer, default: '0', summary: 'Index of the container if service has multiple replicas' },
    interactive: {
      short: 'i',
      as: boolean,
      default: 'true',
      hidden: true,
      summary: 'Keep STDIN open even if not attached',
    },
    'no-tty': {
      short: 'T',
      as: boolean,
      summary: "Disable pseudo-TTY allocation. By default 'docker compose exec' allocates a TTY.",
    },
    'no-TTY': { as: boolean, hidden: true, summary: 'Disable pseudo-TTY allocation' },
    privileged: { as: boolean, summary: 'Give extended privileges to the process' },
    tty: { short: 't', as: boolean, default: 'true', hidden: true, summary: 'Allocate a pseudo-TTY' },
    user: { short: 'u', as: text, summary: 'Run the command as this user' },
    workdir: { short: 'w', as: text, summary: 'Path to workdir directory for this command' },
  },
  run: async (context, [service = '', ...cmd], values) => {
    const { detach, env, index, interactive, privileged, user, workdir, ...flags } = values;
    const project = await projectName(context);
    const { record } = specifiedContainer(context.store, project, { service, index, all: false, oneOff: true });
    const tty = wantsTerminal(context, flags);
    const attached = !detach;
    const request = {
      cmd,
      env: env.flatMap(resolved),
      tty,
      detach,
      privileged,
      streams: { stdin: attached && interactive, stdout: attached, stderr: attached && !tty },
      ...given({ user: user || undefined, workdir: workdir || undefined }),
    };
    if (!detach) refuseDryRun(context, values, 'interactive exec');
    else if (isDryRun(context, values)) {
      const words = cmd.map((word) => JSON.stringify(word)).join(' ');
      return context.err.line(`${DRY_RUN}Executing command [${words}] in ${record.id} (detached mode)`);
    }
    return attendExec(context, record.id, request, undefined);
  },
});

/** By itself there is a terminal where output is one. */
function wantsTerminal(
  context: Context,
  { noTty, noTTY, tty }: { noTty: boolean; noTTY: boolean; tty: boolean },
): boolean {
  if (context.given.has('no-tty') || context.given.has('no-TTY')) return !(noTty || noTTY);
  return context.given.has('tty') && !tty ? false : context.out.isTerminal;
}

/** `NAME=value`; a name alone has the value that it has here, and is left out where it has none. */
function resolved(entry: string): string[] {
  if (entry.includes('=')) return [entry];
  const value = process.env[entry];
  return value === undefined ? [] : [`${entry}=${value}`];
}
