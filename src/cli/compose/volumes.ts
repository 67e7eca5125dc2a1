import { WherryError } from '#base/error.ts';
import { projectOrName } from '#cli/compose/operation.ts';
import { composeCommand } from '#cli/compose/project.ts';
import { LIST_FORMAT_SUMMARY } from '#cli/format.ts';
import { boolean, text } from '#cli/values.ts';
import { printVolumes } from '#cli/volume-list.ts';
import { LABEL } from '#compose/model/labels.ts';
import { projectOf, serviceOf } from '#compose/view/containers.ts';
import { listContainers } from '#container/names.ts';
import type { Store } from '#engine/open.ts';
import { findVolumes } from '#engine/volumes.ts';

export default composeCommand({
  usage: '[SERVICE...]',
  summary: 'List volumes',
  examples: [{ does: 'Those that one service has', line: 'wherry compose volumes db' }],
  flags: {
    format: { as: text, default: 'table', summary: LIST_FORMAT_SUMMARY },
    quiet: { short: 'q', as: boolean, summary: 'Only display volume names' },
  },
  run: async (context, services, { format, quiet }) => {
    const { store, out } = context;
    const { name, project } = await projectOrName(context, services);
    const missing = services.find((service) => project !== undefined && project.services[service] === undefined);
    if (missing !== undefined) throw new WherryError('invalid', `no such service: ${missing}`);
    const used = services.length === 0 ? undefined : usedBy(store, name, services);
    const volumes = findVolumes(store, [`label=${LABEL.project}=${name}`]).filter(
      (volume) => used?.has(volume.Name) ?? true,
    );
    if (quiet) for (const volume of volumes) out.line(volume.Name);
    else await printVolumes(out, volumes, { format });
  },
});

/** What the running containers of these services have mounted. */
function usedBy(store: Store, project: string, services: readonly string[]): Set<string> {
  const own = listContainers(store).filter(
    (record) => projectOf(record) === project && services.includes(serviceOf(record)),
  );
  return new Set(own.flatMap(({ mounts }) => mounts.map(({ Name }) => Name ?? '')));
}
