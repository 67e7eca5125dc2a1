/** A pull of what is here already: one question tells, and nothing is fetched. */
import { WherryError } from '#base/error.ts';
import { formatPlatform } from '#base/platform.ts';
import { readCatalog } from '#image/catalog.ts';
import type { RemoteImage } from '#image/resolve.ts';
import type { Session } from '#image/session.ts';
import { type Descriptor, parseConfig, parseDocument } from '#oci/manifest.ts';
import { normalize } from '#oci/platform.ts';
import { canonical, type Reference, repositoryOf } from '#oci/reference.ts';
import type { Registry } from '#oci/registry.ts';
import { hasBlob, readBlob } from '#store/blobs.ts';

/**
 * The image that a tag stood for when it was pulled, read from the store, where the tag stands for the same still;
 * undefined where that is not sure: then it is to be resolved at the registry.
 */
export async function unchanged(session: Session, reference: Reference): Promise<RemoteImage | undefined> {
  const { store, registry } = session;
  if (reference.digest !== undefined) return undefined;
  const entries = readCatalog(store);
  const named = entries.find((entry) => entry.name === canonical(reference));
  if (named === undefined || !hasBlob(store, named.manifest.digest)) return undefined;
  const digest = await ask(registry, reference);
  const same = `${repositoryOf(reference)}@${digest}`;
  const descriptor = entries.find((entry) => entry.name === same)?.manifest;
  if (digest === undefined || descriptor?.digest !== named.manifest.digest) return undefined;
  return unlessGone(() => readStored(session, { descriptor, digest, name: same }));
}

/** While the registry was asked, the image may have been removed; what is damaged is fetched anew, too. */
function unlessGone(read: () => RemoteImage | undefined): RemoteImage | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof WherryError && error.kind === 'corrupt') return undefined;
    throw error;
  }
}

interface Stored {
  descriptor: Descriptor;
  digest: string;
  /** For messages. */
  name: string;
}

function readStored({ store, platform }: Session, { descriptor, digest, name }: Stored): RemoteImage | undefined {
  const manifestBytes = readBlob(store, descriptor.digest);
  const document = parseDocument(manifestBytes, descriptor.mediaType, name);
  if (document.kind === 'index' || !hasBlob(store, document.manifest.config.digest)) return undefined;
  const { manifest } = document;
  const configBytes = readBlob(store, manifest.config.digest);
  const config = parseConfig(configBytes, manifest.layers.length, name);
  // Of an index, another platform may have been pulled under this name.
  const isThis = formatPlatform(normalize(config)) === formatPlatform(platform);
  if (digest !== descriptor.digest && !isThis) return undefined;
  return { digest, descriptor, manifest, manifestBytes, config, configBytes };
}

/** A registry that can't be asked this way is asked for the manifest, and that error counts. */
async function ask(registry: Registry, reference: Reference): Promise<string | undefined> {
  try {
    return await registry.digest(reference);
  } catch (error) {
    if (error instanceof WherryError && error.kind === 'unavailable') return undefined;
    throw error;
  }
}
