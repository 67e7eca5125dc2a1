import { command, given } from '#cli/command.ts';
import { boolean, list, text } from '#cli/values.ts';

export default command({
  usage: 'CONTAINER [REPOSITORY[:TAG]]',
  summary: "Create a new image from a container's changes",
  details: `
    The container may run or not. While its files are read it is paused, unless --pause=false: by its cgroup's freezer,
    or, where it has none, by stopping each of its processes (SIGSTOP) and having them go on afterwards (SIGCONT). What
    is in volumes does not come along.

    --change takes the instructions CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME
    and WORKDIR, as in a Dockerfile.`,
  examples: [
    { does: 'Keep what was tried out in a container', line: `wherry commit --message "with curl" try mine/tools:1` },
    { does: 'An image that starts something else', line: `wherry commit --change 'CMD ["serve"]' try mine/server` },
  ],
  flags: {
    author: { short: 'a', as: text, summary: 'Author (e.g., "John Hannibal Smith\n<hannibal@a-team.com>")' },
    change: { short: 'c', as: list, summary: 'Apply Dockerfile instruction to the created image' },
    message: { short: 'm', as: text, summary: 'Commit message' },
    pause: { short: 'p', as: boolean, default: 'true', summary: 'Pause container during commit' },
  },
  run: async (context, [container = '', name], { author, change, message, pause }) => {
    const { commitContainer } = await import('#engine/commit.ts');
    const options = { ...given({ author, message, name }), changes: change, pause, abort: context.abort };
    context.out.line(await commitContainer(context.store, container, options));
  },
});
