import { bytesSize } from '#base/units.ts';
import { BUILDER, BUILDER_FLAG, inBuildx, needBuilder } from '#cli/buildx/buildx.ts';
import { command } from '#cli/command.ts';
import { boolean } from '#cli/values.ts';
import { type GcPolicy, gcPoliciesOf } from '#engine/build-gc.ts';
import { builderPlatforms } from '#engine/builder.ts';
import { BUILDKIT_VERSION } from '#engine/system.ts';

/** As buildx has it. */
function describePolicy({ all, filters, keep, limits }: GcPolicy, at: number): string[] {
  const { reserved, most, free } = limits;
  const space = (name: string, bytes: number | undefined) =>
    bytes === undefined ? [] : [`${`${name}:`.padEnd(15)} ${bytesSize(bytes)}`];
  return [
    `GC Policy rule#${at}:`,
    ` All:            ${all}`,
    ...(filters.length === 0 ? [] : [` Filters:        ${filters.map((one) => one.replace('=', '==')).join(',')}`]),
    ...(keep === undefined ? [] : [` Keep Duration:  ${keep}h0m0s`]),
    ...[...space('Reserved Space', reserved), ...space('Max Used Space', most), ...space('Min Free Space', free)].map(
      (line) => ` ${line}`,
    ),
  ];
}

export default command({
  usage: '[NAME]',
  summary: 'Inspect current builder instance',
  details: 'There is one builder, which needs no start: --bootstrap finds it running.',
  examples: [{ does: 'What can be built for', line: 'wherry buildx inspect' }],
  flags: { bootstrap: { as: boolean, summary: 'Ensure builder has booted before inspecting' }, ...BUILDER_FLAG },
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
      for (const line of [...lines, ...gcPoliciesOf(context.store).flatMap(describePolicy)]) context.out.line(line);
    }),
});
