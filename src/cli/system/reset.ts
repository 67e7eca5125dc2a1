import { command } from '#cli/command.ts';
import { confirm } from '#cli/prune.ts';
import { boolean } from '#cli/values.ts';

export default command({
  usage: '',
  summary: 'Remove all containers, images, networks, volumes and secrets, and all else that wherry keeps',
  details: `
    As podman's. Running containers are killed, with their monitors; what is mounted is unmounted; the network namespace
    and the programs that serve it end; the store and the runtime directory are removed. It works with a damaged store, too.
    Credentials and settings stay: they are Docker's (~/.docker) and the system's.`,
  examples: [{ does: 'Begin anew', line: 'wherry system reset --force' }],
  flags: { force: { short: 'f', as: boolean, summary: 'Do not prompt for confirmation' } },
  run: async (context, _args, { force }) => {
    const { store } = context;
    if (!force && !(await confirm(context, warning(store)))) return;
    const { resetStore } = await import('#engine/reset.ts');
    await resetStore(store);
  },
});

function warning({ root, runtime }: { root: string; runtime: string }): string {
  const items = [
    'all containers',
    'all images',
    'all networks',
    'all volumes',
    'all secrets',
    `the store: ${JSON.stringify(root)}`,
    `the runtime directory: ${JSON.stringify(runtime)}`,
  ];
  return `This will remove:\n${items.map((item) => `  - ${item}\n`).join('')}`;
}
