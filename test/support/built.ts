/** Dockerfiles built by us and by Docker, and what came of them in a form that can be compared. */
import { createHash } from 'node:crypto';
import { chmodSync, createReadStream, lchownSync, lutimesSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { extract, type Header } from 'tar-stream';
import type { BuildCase } from '#test/support/dockerfiles.ts';
import { plant } from '#test/support/tree.ts';

/** What is compared of one build. */
export interface Built {
  status: number;
  /** What it said from the error on, without times; empty where it succeeded. */
  error: string[];
  image?: BuiltImage;
}

interface BuiltImage {
  /** Without times and digests, as JSON. */
  config: unknown;
  history: unknown[];
  layers: number;
  /** One line a file, by name. */
  files: string[];
}

/** Of every file that a case asks for: seconds. What is younger was made by the build. */
const OLD = 1_000_000_000;

/** The names of the images that the cases make. */
export const imagesOf = (cases: readonly BuildCase[], prefix: string) => cases.map((_, index) => `${prefix}-${index}`);

/**
 * Builds all of them below a new directory. RUN has a shell line run, DOCKER is the command to build by; the contexts
 * belong to this user. One shell for all: to start what runs it takes longer than a build.
 */
export async function buildAll(
  cases: readonly BuildCase[],
  { root, docker, prefix, run, uid, gid }: Builder,
): Promise<Built[]> {
  mkdirSync(root);
  const names = imagesOf(cases, prefix);
  const lines = cases.map((one, index) => {
    writeContext(join(root, String(index)), one, uid, gid);
    const { before = 'true', flags = '', context = '.' } = one;
    const build = `${docker} build --progress plain -t ${names[index]} ${flags} ${context}`;
    return `cd ${root}/${index}; { ${before} && ${build}; } >../${index}.out 2>&1 && done="$done ${names[index]}"; echo $? >../${index}.status`;
  });
  lchownSync(root, uid, gid);
  await run(`${lines.join('\n')}\ncd ${root}; [ -z "$done" ] || ${docker} save -o images.tar $done`);
  const images = await readImages(join(root, 'images.tar'));
  return Promise.all(
    cases.map(async (_, index) => {
      const status = Number(readFileSync(join(root, `${index}.status`), 'utf8'));
      const said = readFileSync(join(root, `${index}.out`), 'utf8');
      const image = images.get(names[index] ?? '');
      return {
        status,
        error: status === 0 ? [] : errorIn(said, root),
        ...(image === undefined ? {} : { image: await image() }),
      };
    }),
  );
}

interface Builder {
  root: string;
  docker: string;
  /** Of the images' names. */
  prefix: string;
  run: (line: string) => unknown;
  uid: number;
  gid: number;
}

function writeContext(
  context: string,
  { dockerfile, files = {}, modes = {} }: BuildCase,
  uid: number,
  gid: number,
): void {
  plant(context, { Dockerfile: dockerfile, ...files });
  const names = readdirSync(context, { recursive: true, encoding: 'utf8' });
  for (const name of names) lutimesSync(join(context, name), OLD, OLD);
  for (const name of ['', ...names]) lchownSync(join(context, name), uid, gid);
  for (const [name, mode] of Object.entries(modes)) chmodSync(join(context, name), mode);
}

/** Hints, and the column of what is wrong: Docker says no such thing. */
const OURS = /^hint: |^ +\| +\^ column/;

/** From the failing step's last lines on. */
function errorIn(said: string, root: string): string[] {
  const lines = said
    .replaceAll(root, 'ROOT')
    .replaceAll(/\b[0-9a-f]{64}\b/g, 'ID')
    .replaceAll(/ ref [0-9a-f-]{36}::\w+:/g, ' ref:')
    .replaceAll(/\/\S+\/merged\//g, '/')
    .trimEnd()
    .split('\n');
  const first = lines.findIndex((line) => /^(------$|ERROR:|\S+:\d+$)/.test(line));
  return lines
    .slice(Math.max(first, 0))
    .filter((line) => !OURS.test(line))
    .map((line) => line.replace(/^\d+\.\d+ (?:.*"?\/no\/such.*)?/, 'TIME '));
}

type Files = Map<string, Buffer>;

/** The archive's images by name. The archive is read whole: the images are small. */
async function readImages(path: string): Promise<Map<string, () => Promise<BuiltImage>>> {
  const files: Files = new Map();
  const archive = extract();
  createReadStream(path)
    .on('error', (error) => archive.destroy(error))
    .pipe(archive);
  for await (const entry of archive) {
    files.set(entry.header.name, await buffer(entry));
  }
  const manifest: { Config: string; RepoTags: string[]; Layers: string[] }[] = JSON.parse(
    String(files.get('manifest.json')),
  );
  return new Map(
    manifest.flatMap(({ Config, RepoTags, Layers }) =>
      RepoTags.map(
        (tag) => [tag.split('/').at(-1)?.split(':')[0] ?? '', () => readImage(files, Config, Layers)] as const,
      ),
    ),
  );
}

async function readImage(files: Files, name: string, layers: readonly string[]): Promise<BuiltImage> {
  const { created: _, history, rootfs, ...config } = JSON.parse(String(files.get(name)));
  const tree = new Map<string, string>();
  for (const layer of layers) await lay(tree, files.get(layer) ?? Buffer.of());
  return {
    config,
    history: history.map(({ created: _at, ...rest }: { created: string }) => rest),
    layers: rootfs.diff_ids?.length ?? 0,
    files: linesOf(tree),
  };
}

/** Puts a layer above the tree (image-spec, layer.md). A hard link is a line of its own: "=" and the name that it shares. */
async function lay(tree: Map<string, string>, layer: Buffer): Promise<void> {
  const added = new Map<string, string>();
  const archive = extract();
  const isPacked = layer[0] === 0x1f && layer[1] === 0x8b;
  Readable.from([isPacked ? gunzipSync(layer) : layer]).pipe(archive);
  for await (const entry of archive) {
    const path = pathOf(entry.header.name);
    const content = await buffer(entry);
    const [, parent = '', hidden] = /^(.*)\/\.wh\.([^/]+)$/.exec(path) ?? [];
    if (hidden === undefined) {
      if (entry.header.type !== 'directory') removeBelow(tree, path);
      added.set(path, lineOf(entry.header, content));
    } else if (hidden === '.wh..opq') removeBelow(tree, parent);
    else {
      tree.delete(`${parent}/${hidden}`);
      removeBelow(tree, `${parent}/${hidden}`);
    }
  }
  for (const [path, line] of added) tree.set(path, line);
}

const pathOf = (name: string) => `/${name.replace(/^\.?\/|\/$/g, '')}`;

function removeBelow(tree: Map<string, string>, at: string): void {
  for (const path of [...tree.keys()]) if (path.startsWith(`${at}/`)) tree.delete(path);
}

function lineOf({ type, mode = 0, uid, gid, linkname, mtime }: Header, content: Buffer): string {
  if (type === 'link') return `=${pathOf(linkname ?? '')}`;
  const time = (mtime?.getTime() ?? 0) / 1000;
  const about = [type, mode.toString(8), `${uid}:${gid}`, time <= OLD ? `@${time}` : 'now'];
  if (type === 'directory') return about.join(' ');
  const inside = type === 'symlink' ? linkname : createHash('sha256').update(content).digest('hex').slice(0, 12);
  return [...about, inside].join(' ');
}

/** Which of several names is the file and which are links to it is chance: the first is the file here. */
function linesOf(tree: ReadonlyMap<string, string>): string[] {
  const groups = new Map<string, string[]>();
  for (const [path, line] of tree) {
    const file = line.startsWith('=') ? line.slice(1) : path;
    groups.set(file, [...(groups.get(file) ?? []), path]);
  }
  return [...groups]
    .flatMap(([file, paths]) => {
      const [first, ...others] = paths.sort();
      return [`${first} ${tree.get(file)}`, ...others.map((path) => `${path} = ${first}`)];
    })
    .sort();
}
