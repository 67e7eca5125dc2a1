import { command } from '#cli/command.ts';
import { formatTable } from '#cli/table.ts';
import { topContainer } from '#container/top.ts';

export default command({
  usage: 'CONTAINER [ps OPTIONS]',
  summary: 'Display the running processes of a container',
  details: `
    The options are those of ps(1) on this machine, by itself \`-ef\`; the column PID has to be among what they show. The
    pids are those that you see outside of the container.`,
  examples: [{ does: 'What takes the memory', line: 'wherry top web -o pid,rss,args --sort=-rss' }],
  interspersed: false,
  flags: {},
  run: async (context, [name = '', ...options]) => {
    const { titles, rows } = await topContainer(context.store, name, options);
    context.out.write(await formatTable([titles, ...rows], WIDTH));
  },
});

/** Docker's columns here. */
const WIDTH = 20;
