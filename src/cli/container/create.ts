import { WherryError } from '#base/error.ts';
import { command } from '#cli/command.ts';
import { create, readPullPolicy } from '#cli/create-container.ts';
import { hintLine } from '#cli/fail.ts';
import { imageFlags, REQUEST_FLAGS } from '#cli/run-flags.ts';
import { windowsMistake } from '#cli/run-limits.ts';
import { requestFrom } from '#cli/run-request.ts';

export default command({
  usage: 'IMAGE [COMMAND] [ARG...]',
  summary: 'Create a new container',
  details: `
    The container is made as run makes it, but it is not started: start does that. Its id is printed.`,
  examples: [
    { does: 'Make a container that start runs later', line: 'wherry create --name later localhost/busybox date' },
  ],
  interspersed: false,
  flags: { ...REQUEST_FLAGS, ...imageFlags('creating') },
  run: async (context, args, { pull, quiet, replace, ...values }) => {
    const foreign = windowsMistake(context.given);
    if (foreign !== undefined) {
      context.err.line(foreign);
      return 1;
    }
    let request: ReturnType<typeof requestFrom>;
    try {
      readPullPolicy(pull);
      request = requestFrom({ args, values, given: context.given });
    } catch (error) {
      if (!(error instanceof WherryError)) throw error;
      // Docker's client words and counts its own refusals as those of run.
      context.err.line(`${context.program}: ${error.message}`);
      if (error.hint !== undefined) context.err.line(hintLine(context.program, error.hint));
      context.err.line(`\nRun '${context.program} ${context.name} --help' for more information`);
      return 125;
    }
    context.out.line(await create(context, request, { pull, quiet, replace, fill: true, abort: context.abort }));
    return 0;
  },
});
