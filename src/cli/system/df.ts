import { shortId } from '#base/text.ts';
import { ago, humanSize, localTime } from '#base/units.ts';
import { type Context, command } from '#cli/command.ts';
import { LIST_FORMAT_SUMMARY } from '#cli/format.ts';
import { goJson } from '#cli/gofmt.ts';
import { formatTable, printRows } from '#cli/table.ts';
import { boolean, text } from '#cli/values.ts';
import { isRunning } from '#container/state.ts';
import { psRow } from '#container/view.ts';
import { type CacheUsage, cacheUsage } from '#engine/build-usage.ts';
import { type ContainerUsage, type ImageUsage, measureUsage, sum, type Usage } from '#engine/usage.ts';
import { familiarTags } from '#image/view.ts';
import { volumeRow } from '#volume/view.ts';
import { CACHE_COLUMNS, cacheEntry, cacheRow, cacheSize } from './df-cache.ts';

const HEADERS = { Type: 'TYPE', TotalCount: 'TOTAL', Active: 'ACTIVE', Size: 'SIZE', Reclaimable: 'RECLAIMABLE' };

const RAW_NAMES: Readonly<Record<string, string>> = { TotalCount: 'total' };

export default command({
  usage: '',
  summary: 'Show docker disk usage',
  details: `
    SIZE of images counts each layer once. RECLAIMABLE is what prune could free: images without a container, containers
    that don't run, volumes that no container mounts. With --verbose each is listed, images with what they share.`,
  examples: [{ does: 'Which images take most, and what they share with others', line: 'wherry system df --verbose' }],
  flags: {
    format: { as: text, summary: LIST_FORMAT_SUMMARY },
    verbose: { short: 'v', as: boolean, summary: 'Show detailed information on space usage' },
  },
  run: async (context, _args, { format, verbose }) => {
    const usage = measureUsage(context.store);
    const cache = await cacheUsage(context.store);
    if (verbose) return showAll(context, { ...usage, cache }, format);
    const rows = [imagesRow(usage), containersRow(usage), volumesRow(usage), cacheRow(cache)];
    const shape = { headers: HEADERS, columns: Object.keys(HEADERS), format, type: 'diskUsageImagesContext' };
    const raw = Object.keys(HEADERS).map((name) => `${RAW_NAMES[name] ?? name.toLowerCase()}: {{.${name}}}`);
    await printRows(context.out, rows, { ...shape, raw, runPrefix: 'template parsing error: ' });
  },
});

/** Docker's whole percents. */
function reclaimable(bytes: number, of: number): string {
  const share = of > 0 ? ` (${Math.floor((bytes * 100) / of)}%)` : '';
  return humanSize(bytes, 4) + share;
}

function imagesRow({ images, layers }: Usage): object {
  const used = images.filter(({ containers }) => containers > 0);
  const held = sum(used.map(({ image, shared }) => image.size - shared));
  return {
    Type: 'Images',
    TotalCount: String(images.length),
    Active: String(used.length),
    Size: humanSize(layers, 4),
    Reclaimable: reclaimable(layers - held, layers),
  };
}

function containersRow({ containers }: Usage): object {
  const size = sum(containers.map((one) => one.size));
  const idle = containers.filter(({ seen }) => !isRunning(seen.state));
  return {
    Type: 'Containers',
    TotalCount: String(containers.length),
    Active: String(containers.length - idle.length),
    Size: humanSize(size, 4),
    Reclaimable: reclaimable(sum(idle.map((one) => one.size)), size),
  };
}

function volumesRow({ volumes }: Usage): object {
  const size = sum(volumes.map((one) => one.size));
  const idle = volumes.filter(({ links }) => links === 0);
  return {
    Type: 'Local Volumes',
    TotalCount: String(volumes.length),
    Active: String(volumes.length - idle.length),
    Size: humanSize(size, 4),
    Reclaimable: reclaimable(sum(idle.map((one) => one.size)), size),
  };
}

function imageRow({ image, shared, containers }: ImageUsage, truncate: boolean) {
  const [repository = '<none>', tag = '<none>'] = familiarTags(image)[0] ?? [];
  const created = new Date(image.created);
  return {
    Containers: String(containers),
    CreatedAt: localTime(created),
    CreatedSince: ago(created),
    Digest: '',
    ID: truncate ? shortId(image.id) : image.id,
    Repository: repository,
    SharedSize: humanSize(shared, 4),
    Size: humanSize(image.size),
    Tag: tag,
    UniqueSize: humanSize(image.size - shared, 4),
    VirtualSize: humanSize(image.size, 4),
  };
}

type Namer = (record: ContainerUsage['seen']['record']) => string;

/** As ps has it, but that its size is its own files' alone. */
function containerRow({ seen, size }: ContainerUsage, { truncate, image }: { truncate: boolean; image: Namer }) {
  const row = psRow(seen, { truncate, image });
  return Object.defineProperty(row, 'Size', { value: humanSize(size), enumerable: true });
}

/** -v: four lists, or all of them as one thing for a template. */
async function showAll(context: Context, usage: Usage & { cache: CacheUsage[] }, format = ''): Promise<void> {
  const { imageNamer } = await import('#cli/describe.ts');
  const truncate = format === '' || format === 'table';
  const image = imageNamer(context.store, { truncate });
  const all = {
    Images: usage.images.map((one) => imageRow(one, truncate)),
    Containers: usage.containers.map((one) => containerRow(one, { truncate, image })),
    Volumes: usage.volumes.map(({ volume, ...use }) => volumeRow(volume, use)),
    BuildCache: usage.cache.map((one) => cacheEntry(one, truncate)),
  };
  if (truncate) context.out.write(await tables(all, cacheSize(usage.cache)));
  else if (format === 'json') context.out.write(goJson(all, { html: true }));
  else {
    const { compileTemplate } = await import('#cli/template.ts');
    const parsing = { parsePrefix: 'template parsing error: ', parseStatus: 1, runPrefix: '' };
    const shape = { type: '*formatter.diskUsageContext', ...parsing };
    context.out.write(compileTemplate(format.replace(/^table\s+/, ''), shape)(all));
  }
}

const IMAGES = {
  Repository: 'REPOSITORY',
  Tag: 'TAG',
  ID: 'IMAGE ID',
  CreatedSince: 'CREATED',
  Size: 'SIZE',
  SharedSize: 'SHARED SIZE',
  UniqueSize: 'UNIQUE SIZE',
  Containers: 'CONTAINERS',
};
const CONTAINERS = {
  ID: 'CONTAINER ID',
  Image: 'IMAGE',
  Command: 'COMMAND',
  LocalVolumes: 'LOCAL VOLUMES',
  Size: 'SIZE',
  RunningFor: 'CREATED',
  Status: 'STATUS',
  Names: 'NAMES',
};
const VOLUMES = { Name: 'VOLUME NAME', Links: 'LINKS', Size: 'SIZE' };

type Lists = Record<'Images' | 'Containers' | 'Volumes' | 'BuildCache', object[]>;

async function tables(all: Lists, cached: string): Promise<string> {
  const table = (rows: readonly object[], columns: Record<string, string>) => {
    const cells = rows.map((row) => Object.keys(columns).map((key) => String((row as Record<string, unknown>)[key])));
    return formatTable([Object.values(columns), ...cells]);
  };
  return [
    `Images space usage:\n\n${await table(all.Images, IMAGES)}`,
    `Containers space usage:\n\n${await table(all.Containers, CONTAINERS)}`,
    `Local Volumes space usage:\n\n${await table(all.Volumes, VOLUMES)}`,
    `Build cache usage: ${cached}\n\n${await table(all.BuildCache, CACHE_COLUMNS)}`,
  ].join('\n');
}
