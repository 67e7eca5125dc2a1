import { command } from '#cli/command.ts';
import { BUILDX_VERSION, ownVersion } from '#engine/system.ts';

export default command({
  usage: '',
  summary: 'Show buildx version information',
  details: 'The version is that of the buildx whose flags and output these are; what follows is our own.',
  examples: [{ does: 'What scripts ask for', line: 'wherry buildx version' }],
  flags: {},
  store: false,
  run: ({ out }) => out.line(`github.com/docker/buildx v${BUILDX_VERSION} wherry-${ownVersion()}`),
});
