/** Volumes in columns, or as --format asks. */
import type { Output } from '#cli/command.ts';
import { printRows } from '#cli/table.ts';
import { volumeRow } from '#volume/view.ts';

const HEADERS = {
  Name: 'VOLUME NAME',
  Driver: 'DRIVER',
  Scope: 'SCOPE',
  Mountpoint: 'MOUNTPOINT',
  Labels: 'LABELS',
  Links: 'LINKS',
  Size: 'SIZE',
  Group: 'GROUP',
  Availability: 'AVAILABILITY',
  Status: 'STATUS',
};

export interface VolumeListOptions {
  format: string | undefined;
  quiet?: boolean;
  /** The columns of a cluster's volumes. */
  cluster?: boolean;
}

/** Throws kind `invalid` for a template that can't be read or rendered. */
export async function printVolumes(
  out: Output,
  volumes: readonly Parameters<typeof volumeRow>[0][],
  { format, quiet = false, cluster = false }: VolumeListOptions,
): Promise<void> {
  await printRows(
    out,
    volumes.map((volume) => volumeRow(volume)),
    {
      headers: HEADERS,
      columns: cluster ? ['Name', 'Group', 'Driver', 'Availability', 'Status'] : ['Driver', 'Name'],
      format,
      quiet: quiet ? 'Name' : undefined,
      raw: ['name: {{.Name}}', 'driver: {{.Driver}}'],
      type: 'volumeContext',
      runPrefix: 'template parsing error: ',
    },
  );
}
