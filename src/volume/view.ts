/** Volumes as `volume ls` and `system df` show them. */
import { goEntries } from '#base/go-json.ts';
import { humanSize } from '#base/units.ts';
import type { Volume } from '#volume/volume.ts';

/** Docker's fields of a volume. use: what only `system df` measures; N/A else, and so is what only a swarm has. */
export function volumeRow(volume: Volume, use?: { links: number; size: number }) {
  const all = volume.Labels ?? {};
  return {
    Availability: 'N/A',
    Driver: volume.Driver,
    Group: 'N/A',
    Label: (name: string) => all[name] ?? '',
    Labels: goEntries(all)
      .map(([key, value]) => `${key}=${value}`)
      .join(','),
    Links: use === undefined ? 'N/A' : String(use.links),
    Mountpoint: volume.Mountpoint,
    Name: volume.Name,
    Scope: volume.Scope,
    Size: use === undefined ? 'N/A' : humanSize(use.size, 4),
    Status: 'N/A',
  };
}

/** As `docker volume inspect` has it; what only a swarm or `system df` knows is there for templates, and is nothing. */
export function inspectVolume(volume: Volume): Volume {
  const absent = { value: null, enumerable: false };
  return Object.defineProperties({ ...volume }, { ClusterVolume: absent, Status: absent, UsageData: absent });
}
