/** Hostile image archives, up to what is known of their images. Called as layers.ts is; needs no root. */
import { createHash } from 'node:crypto';
import { openSync, readdirSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { WherryError } from '#base/error.ts';
import { openArchive } from '#image/archive-file.ts';
import { readImages } from '#image/archive-read.ts';
import { openStore } from '#store/store.ts';
import { oddChange } from '#test/fuzz/documents.ts';
import { wrongInError } from '#test/fuzz/inside.ts';
import { oddBlob } from '#test/fuzz/mutate.ts';
import { type Random, random } from '#test/fuzz/random.ts';
import { archive, type Member } from '#test/support/archive.ts';

const [seed = 0, from = 0, count = 0] = process.argv.slice(2, 5).map(Number);
const directory = process.argv[5] ?? '';
const store = openStore({
  root: join(directory, 'store'),
  runtime: directory,
  uid: 0,
  gid: 0,
  namespace: 'root',
  bootId: 'b',
  home: directory,
});
const progress = openSync(join(directory, 'case'), 'w');
const outcomes: Record<string, number> = {};
for (let at = from; at < from + count; at += 1) {
  writeSync(progress, `${at}\n`, 0);
  const outcome = await load(random(seed, at));
  outcomes[outcome.kind] = (outcomes[outcome.kind] ?? 0) + 1;
  const left = readdirSync(store.path('tmp'));
  const wrong = outcome.wrong ?? (left.length === 0 ? undefined : `left behind: ${left}`);
  if (wrong !== undefined) writeSync(1, `${JSON.stringify({ case: at, wrong })}\n`);
}
writeSync(1, `${JSON.stringify({ cases: count, outcomes, peak: process.resourceUsage().maxRSS })}\n`);

/** From a file, which is looked through, or as a stream, which is spooled. */
async function load(chance: Random): Promise<{ kind: string; wrong?: string | undefined }> {
  const blob = oddArchive(chance);
  const path = join(directory, 'image.tar');
  writeFileSync(path, blob);
  try {
    const opened = await openArchive(store, chance.chance(0.5) ? path : Readable.from([blob]));
    try {
      readImages(opened, { os: 'linux', architecture: 'amd64' }, { exact: chance.chance(0.2) });
    } finally {
      opened.close();
    }
    return { kind: 'read' };
  } catch (error) {
    return { kind: error instanceof WherryError ? error.kind : 'defect', wrong: wrongInError(error) };
  }
}

function oddArchive(chance: Random): Buffer {
  const members: Member[] = [];
  const add = (value: object, odd: boolean) => {
    const content = Buffer.from(JSON.stringify(odd ? oddChange(value, chance) : value));
    const hex = createHash('sha256').update(content).digest('hex');
    members.push({ name: `blobs/sha256/${hex}`, content });
    return { digest: `sha256:${hex}`, size: content.length };
  };
  // One document is odd, the others are right about it.
  const odd = chance.below(6);
  const layer = { mediaType: 'application/vnd.oci.image.layer.v1.tar', ...add({ some: 'layer' }, odd === 0) };
  const rootfs = { type: 'layers', diff_ids: [layer.digest] };
  const config = add({ os: 'linux', architecture: 'amd64', config: { Cmd: ['sh'] }, rootfs }, odd === 1);
  const described = { mediaType: 'application/vnd.oci.image.config.v1+json', ...config };
  const manifest = add({ schemaVersion: 2, config: described, layers: [layer] }, odd === 2);
  let entry: object = { mediaType: 'application/vnd.oci.image.manifest.v1+json', ...manifest };
  for (let depth = chance.pick([0, 0, 0, 1, 2, 6, 9]); depth > 0; depth -= 1) {
    const manifests = Array.from({ length: chance.pick([1, 1, 30]) }, () => entry);
    entry = {
      mediaType: 'application/vnd.oci.image.index.v1+json',
      ...add({ schemaVersion: 2, manifests }, odd === 3),
    };
  }
  const annotations = { 'org.opencontainers.image.ref.name': 'a/b:1' };
  const path = (digest: string) => `blobs/${digest.replace(':', '/')}`;
  const docker = [{ Config: path(config.digest), RepoTags: ['a:1'], Layers: [path(layer.digest)] }];
  const top: [string, object] = chance.chance(0.7)
    ? ['index.json', { schemaVersion: 2, manifests: [{ ...entry, annotations }] }]
    : ['manifest.json', docker];
  members.push({ name: top[0], content: JSON.stringify(odd > 3 ? oddChange(top[1], chance) : top[1]) });
  const tar = archive(...members);
  return chance.chance(0.2) ? oddBlob(tar, chance, '/etc') : tar;
}
