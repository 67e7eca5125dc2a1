/** Pull: a name becomes a manifest, the manifest that of this platform, its layers trees in the store. */
import { WherryError } from '#base/error.ts';
import type { Progress } from '#base/progress.ts';
import { changeCatalog, findNamed, withNames } from '#image/catalog.ts';
import { bringLayer, isPresent, type Layer, type Unpacker } from '#image/layers.ts';
import { findImage, type Image } from '#image/names.ts';
import { layerSizes } from '#image/sizes.ts';
import { credentialsFor } from '#oci/auth.ts';
import { type Descriptor, type ImageConfig, type Index, type Manifest, MEDIA, parseConfig, parseDocument } from '#oci/manifest.ts';
import { choose, formatPlatform, hostPlatform, matches, parsePlatform } from '#oci/platform.ts';
import { canonical, familiar, familiarName, nameOnly, parseReference, type Reference, repositoryOf, withDefaultTag } from '#oci/reference.ts';
import { openRegistry, type Registry } from '#oci/registry.ts';
import { download } from '#oci/transfer.ts';
import { hasBlob, putBlob, readBlob } from '#store/blobs.ts';
import type { Store } from '#store/store.ts';

export interface PullOptions {
  /** os[/architecture[/variant]]; this machine's when absent. */
  platform?: string;
  progress?: (event: Progress) => void;
  abort?: AbortSignal;
}

export interface Pulled {
  image: Image;
  /** Of what the registry has under the name: an index, or a manifest. */
  digest: string;
  /** Canonical, as it was asked for. */
  reference: string;
  upToDate: boolean;
}
