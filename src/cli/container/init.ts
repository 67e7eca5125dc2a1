import { WherryError } from '#base/error.ts';
import { command } from '#cli/command.ts';
import { eachName } from '#cli/each.ts';
import { boolean } from '#cli/values.ts';

export default command({
  usage: '[CONTAINER...]',
  summary: 'Initialize one or more containers',
  details: `
    Mounts the root and the volumes, joins the networks and writes the OCI bundle, as a start does, but starts nothing:
    what is there can be looked at (\`wherry mount\`, \`wherry inspect\`) and changed. A later start uses what is there;
    \`wherry container cleanup\` takes it back.`,
  examples: [{ does: 'See what a start would run', line: 'wherry init web' }],
  flags: {
    all: { short: 'a', as: boolean, summary: 'Initialize all containers' },
  },
  run: async (context, names, { all }) => {
    if (all && names.length > 0) throw new WherryError('invalid', 'no arguments are needed with --all');
    if (!all && names.length === 0) throw new WherryError('invalid', 'you must provide at least one name or id');
    const { initContainer, mayInit } = await import('#engine/init.ts');
    const { listContainers } = await import('#container/names.ts');
    const { store } = context;
    const wanted = all
      ? listContainers(store)
          .map(({ id }) => id)
          .filter((id) => mayInit(store, id))
      : names;
    return eachName(context, wanted, (name) => initContainer(store, name), { parallel: 1 });
  },
});
