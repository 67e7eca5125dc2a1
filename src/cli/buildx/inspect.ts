import { BUILDER, BUILDER_FLAG, inBuildx, needBuilder } from '#cli/buildx/buildx.ts';
import { command } from '#cli/command.ts';
import { boolean } from '#cli/values.ts';
import { builderPlatforms } from '#engine/builder.ts';
import { BUILDKIT_VERSION } from '#engine/system.ts';

export default command({
  usage: '[NAME]',
  summary: 'Inspect current builder instance',
  details: 'There is one builder, which needs no start: --bootstrap finds it running.',
  examples: [{ does: 'What can be built for', line: 'wherry buildx inspect' }],
  flags: { bootstrap: { as: boolean, summary: 'Ensure builder has booted before inspecting' }, ...BUILDER_FLAG },
  store: false,
  run: (context, [name], values) =>
    inBuildx(context, () => {
      needBuilder(name ?? values.builder);
      const lines = [
        `Name:   ${BUILDER}`,
        'Driver: docker',
        '',
        'Nodes:',
        `Name:             ${BUILDER}`,
        `Endpoint:         ${BUILDER}`,
        'Status:           running',
        `BuildKit version: v${BUILDKIT_VERSION}`,
        `Platforms:        ${builderPlatforms().join(', ')}`,
      ];
      for (const line of lines) context.out.line(line);
    }),
});
