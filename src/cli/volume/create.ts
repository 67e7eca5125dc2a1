import { WherryError } from '#base/error.ts';
import { asDaemon } from '#base/filter.ts';
import { command, type Flags, given } from '#cli/command.ts';
import { label } from '#cli/run-values.ts';
import { bytes, list, map, pairs, text } from '#cli/values.ts';

/** Of a swarm's volumes. Docker takes them here, and refuses what is more than words without a swarm. */
const CLUSTER = {
  availability: { as: text, default: 'active', hidden: true, summary: 'Cluster Volume availability' },
  group: { as: text, hidden: true, summary: 'Cluster Volume group' },
  'limit-bytes': { as: bytes, hidden: true, summary: 'Minimum size of the Cluster Volume in bytes' },
  'required-bytes': { as: bytes, hidden: true, summary: 'Maximum size of the Cluster Volume in bytes' },
  scope: { as: text, default: 'single', hidden: true, summary: 'Cluster Volume access scope' },
  secret: { as: map, hidden: true, summary: 'Cluster Volume secrets' },
  sharing: { as: text, default: 'none', hidden: true, summary: 'Cluster Volume access sharing' },
  'topology-preferred': { as: list, hidden: true, summary: 'A topology that the Cluster Volume would be preferred in' },
  'topology-required': {
    as: list,
    hidden: true,
    summary: 'A topology that the Cluster Volume must be accessible from',
  },
  type: { as: text, default: 'block', hidden: true, summary: 'Cluster Volume access type' },
} as const satisfies Flags;

export default command({
  usage: '[VOLUME]',
  summary: 'Create a volume',
  details: `
    Options are those of mount(8): type, device and o. Without root the kernel mounts tmpfs, overlay and bind mounts;
    they are mounted while a container has the volume. A name that is taken already is given again.`,
  examples: [
    { does: 'A volume in memory', line: 'wherry volume create -o type=tmpfs -o device=tmpfs -o o=size=64m scratch' },
  ],
  flags: {
    driver: { short: 'd', as: text, default: 'local', summary: 'Specify volume driver name' },
    label: { as: label, summary: 'Set metadata for a volume' },
    name: { as: text, hidden: true, summary: 'Specify volume name' },
    opt: { short: 'o', as: map, summary: 'Set driver specific options' },
    ...CLUSTER,
  },
  run: async ({ store, out, given: flags }, [place], { driver, label: labels, name, opt }) => {
    if (name !== undefined && place !== undefined) {
      const why = 'cannot specify a volume-name through both --name and as a positional arg';
      throw new WherryError('invalid', `conflicting options: ${why}`);
    }
    if (Object.keys(CLUSTER).some((flag) => flags.has(flag))) {
      throw new WherryError('unavailable', 'This node is not a swarm manager: there are no cluster volumes');
    }
    const { createVolume } = await import('#volume/volume.ts');
    const volume = await createVolume(store, {
      ...given({ name: place || name || undefined }),
      ...(labels.length === 0 ? {} : { labels: pairs(labels) }),
      ...(Object.keys(opt).length === 0 ? {} : { options: opt }),
      driver: driver || 'local',
    }).catch((error: unknown) =>
      asDaemon(() => {
        throw error;
      }),
    );
    out.line(volume.Name);
  },
});
