import { bytesSize } from '#base/units.ts';
import { needBuilder } from '#build/builders.ts';
import { BUILDER_FLAG, inBuildx } from '#cli/buildx/buildx.ts';
import { platformsOf } from '#cli/buildx/platforms.ts';
import { command } from '#cli/command.ts';
import { boolean } from '#cli/values.ts';
import { type GcPolicy, gcPoliciesOf } from '#engine/build-gc.ts';
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
  details: 'A builder needs no start: --bootstrap finds it running.',
  examples: [{ does: 'What can be built for', line: 'wherry buildx inspect' }],
  flags: { bootstrap: { as: boolean, summary: 'Ensure builder has booted before inspecting' }, ...BUILDER_FLAG },
  run: (context, [name], values) =>
    inBuildx(context, () => {
      const builder = needBuilder(context.store, name || values.builder);
      const lines = [
        `Name:   ${builder.name}`,
        `Driver: ${builder.driver}`,
        '',
        'Nodes:',
        `Name:             ${builder.node}`,
        'Endpoint:         default',
        'Status:           running',
        `BuildKit version: v${BUILDKIT_VERSION}`,
        `Platforms:        ${platformsOf(builder).join(', ')}`,
      ];
      for (const line of [...lines, ...gcPoliciesOf(context.store).flatMap(describePolicy)]) context.out.line(line);
    }),
});
