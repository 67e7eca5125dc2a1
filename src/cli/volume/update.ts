import { WherryError } from '#base/error.ts';
import { command } from '#cli/command.ts';
import { text } from '#cli/values.ts';

export default command({
  usage: '[VOLUME]',
  summary: 'Update a volume (cluster volumes only)',
  details: "Docker's command for the volumes of a swarm. There are none here, so that it refuses every volume.",
  hidden: true,
  flags: { availability: { as: text, default: 'active', hidden: true, summary: 'Cluster Volume availability' } },
  run: () => {
    throw new WherryError('invalid', 'can only update cluster volumes');
  },
});
