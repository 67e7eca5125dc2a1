import { BUILDER, inBuildx } from '#cli/buildx/buildx.ts';
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
  details: 'There is one builder: each build runs in its own command, with the images and the cache of the user.',
  examples: [{ does: 'What can be built for', line: "wherry buildx ls --format '{{.Platforms}}'" }],
  flags: {
    format: { as: text, default: 'table', summary: 'Format the output' },
    'no-trunc': { as: boolean, summary: "Don't truncate output" },
  },
  store: false,
  run: (context, _args, { format, noTrunc }) =>
    inBuildx(context, async () => {
      const platforms = builderPlatforms();
      if (format === 'json') return context.out.line(JSON.stringify(builder(platforms)));
      const isTable = format === '' || format === 'table';
      const shown = noTrunc || !isTable ? platforms.join(', ') : shortened(platforms);
      const rows = [
        { Name: isTable ? `${BUILDER}*` : BUILDER, DriverEndpoint: 'docker', Status: '', Buildkit: '', Platforms: '' },
        {
          Name: isTable ? ` \\_ ${BUILDER}` : BUILDER,
          DriverEndpoint: isTable ? ` \\_ ${BUILDER}` : BUILDER,
          Status: 'running',
          Buildkit: `v${BUILDKIT_VERSION}`,
          Platforms: shown,
        },
      ];
      await printRows(context.out, rows, {
        headers: HEADERS,
        columns: Object.keys(HEADERS),
        format,
        type: 'commands.lsContext',
        runPrefix: 'template parsing error: ',
      });
    }),
});

function builder(platforms: readonly string[]): object {
  const node = {
    Endpoint: BUILDER,
    Name: BUILDER,
    Platforms: platforms,
    Status: 'running',
    Version: `v${BUILDKIT_VERSION}`,
  };
  return { Current: true, Driver: 'docker', Dynamic: false, Name: BUILDER, Nodes: [node] };
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
