import { WherryError } from '#base/error.ts';
import { command } from '#cli/command.ts';
import { cleanupContainer } from '#engine/start.ts';

/** What a container's monitor becomes when no command is there to clean up behind it. */
export default command({
  usage: 'CONTAINER',
  summary: 'Give back what a container that has ended had mounted',
  hidden: true,
  flags: {},
  run: async (context, [id = '']) => {
    try {
      await cleanupContainer(context.store, id);
    } catch (error) {
      // Somebody else was quicker, and removed it.
      if (!(error instanceof WherryError) || error.kind !== 'not-found') throw error;
    }
  },
});
