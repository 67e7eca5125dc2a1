/** Makes OCI archives (image-spec, image-layout.md) from a list of files: the embedded image and those of the tests. */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { type Header, pack } from 'tar-stream';

/** One entry of a layer; a `content` makes it a file. Times are the epoch's, so that the same input gives the same digest. */
export type Entry = Partial<Header> & { name: string; content?: string | Buffer };

export interface ImageSource {
  reference: string;
  /** Lowest first: entries, or a tar archive as it is. */
  layers: (Entry[] | Buffer)[];
  /** The image's settings: Env, Cmd, Entrypoint … */
  config: object;
  architecture?: string;
  /** Of its layers; gzip by default. */
  compression?: keyof typeof COMPRESSIONS;
}

const COMPRESSIONS = {
  gzip: (bytes: Buffer) => gzipSync(bytes, { level: 9 }),
  zstd: (bytes: Buffer) => zstdCompressSync(bytes),
  none: (bytes: Buffer) => bytes,
};

interface Blob {
  digest: string;
  size: number;
  bytes: Buffer;
}

/** Node's name of this machine's architecture in Go's words, as images have it. */
export const architecture = process.arch === 'x64' ? 'amd64' : process.arch;

const blobOf = (bytes: Buffer): Blob => ({ digest: `sha256:${sha256(bytes)}`, size: bytes.length, bytes });
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
const json = (value: object) => blobOf(Buffer.from(JSON.stringify(value)));
const descriptor = (mediaType: string, { digest, size }: Blob) => ({ mediaType, digest, size });

/** A tar archive with these entries. */
export async function tar(entries: readonly Entry[]): Promise<Buffer> {
  const archive = pack();
  for (const { content, ...header } of entries) archive.entry({ mtime: new Date(0), ...header }, content ?? '');
  archive.finalize();
  return buffer(archive);
}

/** Writes an OCI archive that holds these images. */
export async function writeArchive(path: string, images: readonly ImageSource[]): Promise<void> {
  writeFileSync(path, await tar(await layout(images)));
}

/** Writes an OCI image layout, a directory, that holds these images. */
export async function writeLayout(directory: string, images: readonly ImageSource[]): Promise<void> {
  for (const { name, content } of await layout(images)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), content);
  }
}

export async function layout(images: readonly ImageSource[]): Promise<{ name: string; content: string | Buffer }[]> {
  const blobs = new Map<string, Blob>();
  const add = (blob: Blob) => {
    blobs.set(blob.digest, blob);
    return blob;
  };
  const manifests = [];
  for (const image of images) {
    const manifest = await addImage(image, add);
    const annotations = { 'org.opencontainers.image.ref.name': image.reference };
    manifests.push({ ...descriptor('application/vnd.oci.image.manifest.v1+json', manifest), annotations });
  }
  return [
    { name: 'oci-layout', content: '{"imageLayoutVersion":"1.0.0"}' },
    { name: 'index.json', content: JSON.stringify({ schemaVersion: 2, manifests }) },
    ...[...blobs.values()].map(({ digest, bytes }) => ({ name: `blobs/${digest.replace(':', '/')}`, content: bytes })),
  ];
}

async function addImage(image: ImageSource, add: (blob: Blob) => Blob): Promise<Blob> {
  const { compression = 'gzip' } = image;
  const suffix = compression === 'none' ? '' : `+${compression}`;
  const layers: Blob[] = [];
  const diffIds: string[] = [];
  for (const layer of image.layers) {
    const bytes = Buffer.isBuffer(layer) ? layer : await tar(layer);
    diffIds.push(`sha256:${sha256(bytes)}`);
    layers.push(add(blobOf(COMPRESSIONS[compression](bytes))));
  }
  const config = add(
    json({
      created: new Date(0).toISOString(),
      architecture: image.architecture ?? architecture,
      os: 'linux',
      config: image.config,
      rootfs: { type: 'layers', diff_ids: diffIds },
      history: image.layers.map(() => ({ created: new Date(0).toISOString() })),
    }),
  );
  return add(
    json({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: descriptor('application/vnd.oci.image.config.v1+json', config),
      layers: layers.map((layer) => descriptor(`application/vnd.oci.image.layer.v1.tar${suffix}`, layer)),
    }),
  );
}
