import { type Builder, listBuilders } from '#build/builders.ts';
import { inBuildx } from '#cli/buildx/buildx.ts';
import { platformsOf } from '#cli/buildx/platforms.ts';
import { command } from '#cli/command.ts';
import { printRows } from '#cli/table.ts';
import { boolean, text } from '#cli/values.ts';
import { builderPlatforms } from '#engine/builder.ts';
import { BUILDKIT_VERSION } from '#engine/system.ts';

const HEADERS = {
  Name: 'NAME/NODE',
  DriverEndpoint: 'DRIVER/ENDPOINT',
  Status: 'STATUS',
  Buildkit: 'BUILDKIT',
  Platforms: 'PLATFORMS',
};

export default command({
  usage: '',
  summary: 'List builder instances',
  details: `
    Each build runs in its own command, with the images and the cache of the user: what "buildx create" makes is a further
    name for that.`,
  examples: [{ does: 'What can be built for', line: "wherry buildx ls --format '{{.Platforms}}'" }],
  flags: {
    format: { as: text, default: 'table', summary: 'Format the output' },
    'no-trunc': { as: boolean, summary: "Don't truncate output" },
  },
  run: (context, _args, { format, noTrunc }) =>
    inBuildx(context, async () => {
      const { builders, current } = listBuilders(context.store);
      if (format === 'json') {
        for (const builder of builders) context.out.line(JSON.stringify(asJson(builder, builder.name === current)));
        return;
      }
      const isTable = format === '' || format === 'table';
      const rows = builders.flatMap((builder) =>
        rowsOf(builder, { isCurrent: builder.name === current, isTable, noTrunc }),
      );
      await printRows(context.out, rows, {
        headers: HEADERS,
        columns: Object.keys(HEADERS),
        format,
        type: 'commands.lsContext',
        runPrefix: 'template parsing error: ',
      });
    }),
});

interface Shown {
  isCurrent: boolean;
  isTable: boolean;
  noTrunc: boolean;
}

/** The builder's own, and its node's. */
function rowsOf(builder: Builder, { isCurrent, isTable, noTrunc }: Shown): object[] {
  const { name, driver, node } = builder;
  const platforms = platformsOf(builder);
  const below = isTable ? ' \\_ ' : '';
  return [
    {
      Name: isTable && isCurrent ? `${name}*` : name,
      DriverEndpoint: driver,
      Status: '',
      Buildkit: '',
      Platforms: '',
    },
    {
      Name: `${below}${node}`,
      DriverEndpoint: `${below}default`,
      Status: 'running',
      Buildkit: `v${BUILDKIT_VERSION}`,
      Platforms: noTrunc || !isTable ? platforms.join(', ') : shortened(platforms),
    },
  ];
}

function asJson(builder: Builder, isCurrent: boolean): object {
  const node = {
    Endpoint: 'default',
    Name: builder.node,
    Platforms: builderPlatforms(),
    Status: 'running',
    Version: `v${BUILDKIT_VERSION}`,
  };
  return { Current: isCurrent, Driver: builder.driver, Dynamic: false, Name: builder.name, Nodes: [node] };
}

/** `linux/amd64 (+3), linux/386`: the variants of one platform are counted. */
function shortened(platforms: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const platform of platforms) {
    const base = platform.split('/').slice(0, 2).join('/');
    counts.set(base, (counts.get(base) ?? 0) + 1);
  }
  return [...counts].map(([base, count]) => (count > 1 ? `${base} (+${count - 1})` : base)).join(', ');
}
