import { command } from '#cli/command.ts';
import { eachName } from '#cli/each.ts';
import { pauseContainer } from '#container/pause.ts';

export default command({
  usage: 'CONTAINER [CONTAINER...]',
  summary: 'Pause all processes within one or more containers',
  details: `
    The processes stand still until unpause, and notice nothing of it where the container has a cgroup of its own, which
    the kernel freezes. Where you have no cgroups (wherry info says so) they are stopped by SIGSTOP, and a parent inside
    may see that its child was stopped. stop and kill let a paused container go on, so that it can end.`,
  examples: [{ does: 'Give the processor to something else for a while', line: 'wherry pause web' }],
  flags: {},
  run: (context, names) =>
    eachName(context, names, async (name) => {
      if ((await pauseContainer(context.store, name)) === 'freezer') return;
      context.err.line(
        `hint: There is no cgroup to freeze: the processes of "${name}" were stopped by SIGSTOP, which a parent inside can notice`,
      );
    }),
});
