/**
 * Hostile manifests, indexes and configurations, and what is done with those that are believed. Called as layers.ts is;
 * needs no root.
 */
import { openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { WherryError } from '#base/error.ts';
import { formatPlatform } from '#base/platform.ts';
import { mergeConfig } from '#container/create.ts';
import { changeCatalog } from '#image/catalog.ts';
import { imageRows, inspectImage } from '#image/view.ts';
import { type ImageConfig, MEDIA, parseConfig, parseDocument } from '#oci/manifest.ts';
import { choose, matches } from '#oci/platform.ts';
import { parseReference } from '#oci/reference.ts';
import { blobPath } from '#store/blobs.ts';
import { openStore } from '#store/store.ts';
import { oddDocument } from '#test/fuzz/documents.ts';
import { wrongInError } from '#test/fuzz/inside.ts';
import { type Random, random } from '#test/fuzz/random.ts';

const [seed = 0, from = 0, count = 0] = process.argv.slice(2, 5).map(Number);
const directory = process.argv[5] ?? '';
const HOST = { os: 'linux', architecture: 'amd64' };
const store = openStore({
  root: join(directory, 'store'),
  runtime: directory,
  uid: 0,
  gid: 0,
  namespace: 'root',
  bootId: 'b',
  home: directory,
});
const ID = `sha256:${'c'.repeat(64)}`;
const MANIFEST = { mediaType: MEDIA.manifest, digest: `sha256:${'d'.repeat(64)}`, size: 100 };
writeFileSync(
  blobPath(store, MANIFEST.digest),
  JSON.stringify({ schemaVersion: 2, config: { mediaType: MEDIA.config, digest: ID, size: 10 }, layers: [] }),
);
await changeCatalog(store, () => [{ manifest: MANIFEST, id: ID, sizes: [], name: 'docker.io/library/a:1' }]);

const progress = openSync(join(directory, 'case'), 'w');
const outcomes: Record<string, number> = {};
for (let at = from; at < from + count; at += 1) {
  writeSync(progress, `${at}\n`, 0);
  let outcome = 'believed';
  try {
    believe(random(seed, at));
  } catch (error) {
    outcome = error instanceof WherryError ? error.kind : 'defect';
    const wrong = wrongInError(error);
    if (wrong !== undefined) writeSync(1, `${JSON.stringify({ case: at, wrong })}\n`);
  }
  outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
}
writeSync(1, `${JSON.stringify({ cases: count, outcomes, peak: process.resourceUsage().maxRSS })}\n`);

function believe(chance: Random): void {
  const bytes = oddDocument(chance);
  if (bytes.includes('diff_ids') || chance.chance(0.1)) {
    use(bytes, parseConfig(bytes, chance.pick([2, 2, 2, 0]), 'a:1'));
    return;
  }
  const read = parseDocument(bytes, chance.pick([MEDIA.manifest, MEDIA.index, MEDIA.dockerList, '', 'a/b']), 'a:1');
  if (read.kind === 'manifest') return;
  for (const { platform, annotations } of choose(read.index.manifests, HOST)) {
    formatPlatform(platform ?? HOST);
    const name = annotations?.['org.opencontainers.image.ref.name'];
    if (name !== undefined) parseReference(name);
  }
}

/** As run, images and inspect use a configuration: the bytes that are in the store. */
function use(bytes: Buffer, config: ImageConfig): void {
  matches(HOST, config);
  writeFileSync(blobPath(store, ID), bytes);
  const shown = inspectImage(store, 'a:1');
  JSON.stringify(shown);
  imageRows(store, { filters: ['label=a'] });
  const asked = { Env: ['X=y'], Healthcheck: { Test: ['NONE'] } } as unknown as Parameters<typeof mergeConfig>[0];
  const merged = mergeConfig(asked, (JSON.parse(bytes.toString()) as ImageConfig).config ?? {});
  for (const entry of merged.Env) entry.split('=');
}
