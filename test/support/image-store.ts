/** Images in a store without a registry: their documents alone, for what needs no layers. */
import { changeCatalog, withNames } from '#image/catalog.ts';
import { MEDIA } from '#oci/manifest.ts';
import { canonical, nameOnly, parseReference } from '#oci/reference.ts';
import { putBlob } from '#store/blobs.ts';
import type { Store } from '#store/store.ts';

export interface Given {
  diffIds?: string[];
  created?: string;
  architecture?: string;
  settings?: object;
  sizes?: number[];
  comment?: string;
}

/** Makes an image under a name; without one it is dangling. */
export async function putImage(
  store: Store,
  name: string | undefined,
  given: Given = {},
): Promise<{ id: string; diffIds: string[] }> {
  const { diffIds = [], created = '2024-01-02T03:04:05Z', architecture = 'amd64', settings = {}, sizes = [] } = given;
  const json = (value: object) => Buffer.from(JSON.stringify(value));
  const config = await putBlob(
    store,
    json({
      os: 'linux',
      architecture,
      created,
      config: settings,
      rootfs: { type: 'layers', diff_ids: diffIds },
      history: [{ comment: given.comment ?? `of ${name}` }],
    }),
    MEDIA.config,
  );
  const layers = await Promise.all(diffIds.map((diffId) => putBlob(store, Buffer.from(diffId), MEDIA.layer)));
  const manifest = await putBlob(
    store,
    json({ schemaVersion: 2, mediaType: MEDIA.manifest, config, layers }),
    MEDIA.manifest,
  );
  const names = name === undefined ? [] : [canonical(nameOnly(parseReference(name)))];
  await changeCatalog(store, (entries) => withNames(entries, { manifest, id: config.digest, sizes, created }, names));
  return { id: config.digest, diffIds };
}
