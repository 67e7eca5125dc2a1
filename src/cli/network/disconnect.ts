import { command } from '#cli/command.ts';
import { boolean } from '#cli/values.ts';

export default command({
  usage: 'NETWORK CONTAINER',
  summary: 'Disconnect a container from a network',
  examples: [{ does: 'Take a container off the default network', line: 'wherry network disconnect bridge web' }],
  flags: { force: { short: 'f', as: boolean, summary: 'Force the container to disconnect from a network' } },
  run: async ({ store }, [network = '', container = ''], { force }) => {
    const { disconnectFromNetwork } = await import('#engine/networking.ts');
    await disconnectFromNetwork(store, network, container, { force });
  },
});
