import { localTime } from '#base/units.ts';
import { needBuilder } from '#build/builders.ts';
import { type BuildRecord, buildEvents, findBuild } from '#build/history.ts';
import { BUILDER_FLAG, inBuildx } from '#cli/buildx/buildx.ts';
import { spent } from '#cli/buildx/history-ls.ts';
import { command } from '#cli/command.ts';
import { text } from '#cli/values.ts';

export default command({
  usage: '[REF]',
  summary: 'Inspect a build record',
  details: 'Without a reference the newest; ^1 is the one before it.',
  examples: [{ does: 'Why the last build failed', line: 'wherry buildx history inspect' }],
  flags: { ...BUILDER_FLAG, format: { as: text, default: 'pretty', summary: 'Format the output' } },
  run: (context, [ref = ''], { builder, format }) =>
    inBuildx(context, async () => {
      needBuilder(context.store, builder);
      const record = findBuild(context.store, ref);
      const logs = lastLines(buildEvents(context.store, record), record);
      if (format === 'pretty' || format === '') return context.out.write(pretty(record, logs, context.program));
      const view = asJson(record, logs);
      if (format === 'json') return context.out.line(JSON.stringify(view, null, 2));
      const { compileTyped } = await import('#cli/template.ts');
      context.out.line(compileTyped(format, { name: '', runPrefix: '' })(view as never));
    }),
});

/** What the vertex that failed said last. */
function lastLines(events: ReturnType<typeof buildEvents>, { error }: BuildRecord): string[] {
  const failed = events.findLast((event) => event.kind === 'vertex' && event.name === error?.name);
  if (failed?.kind !== 'vertex') return [];
  const said = events.flatMap((event) => (event.kind === 'log' && event.vertex === failed.id ? [event.data] : []));
  return Buffer.concat(said)
    .toString('utf8')
    .trimEnd()
    .split('\n')
    .slice(-10)
    .filter((line) => line !== '');
}

function asJson(record: BuildRecord, logs: string[]): object {
  const { ref, name, context, dockerfile, target, started, completed, error, steps } = record;
  return {
    Name: name,
    Ref: ref,
    Context: context,
    Dockerfile: dockerfile,
    ...(target ? { Target: target } : {}),
    StartedAt: new Date(started).toISOString(),
    CompletedAt: new Date(completed).toISOString(),
    Duration: (completed - started) * 1_000_000,
    Status: error === undefined ? 'completed' : 'failed',
    ...(error === undefined
      ? {}
      : {
          Error: {
            Message: error.message,
            Name: error.name,
            Logs: logs,
            Sources: Buffer.from(error.source).toString('base64'),
          },
        }),
    NumCompletedSteps: steps.completed,
    NumTotalSteps: steps.total,
    NumCachedSteps: steps.cached,
  };
}

function pretty(record: BuildRecord, logs: readonly string[], program: string): string {
  const { ref, name, context, dockerfile, target, started, completed, error, steps } = record;
  const cached = steps.total === 0 ? 0 : Math.trunc((100 * steps.cached) / steps.total);
  const lines = [
    `Name:\t\t${name}`,
    `Ref:\t\t${ref}`,
    `Context:\t${context}`,
    `Dockerfile:\t${dockerfile}`,
    ...(target ? [`Target:\t\t${target}`] : []),
    '',
    `Started:\t${localTime(new Date(started)).slice(0, 19)}`,
    `Duration:\t${spent(completed - started)}`,
    ...(error === undefined ? [] : [`Error:\t\t${error.message}`]),
    `Build Steps:\t${steps.completed}/${steps.total} (${cached}% cached)`,
    '',
    ...(error?.source ? [error.source] : []),
    ...(error === undefined || logs.length === 0
      ? []
      : ['Logs:', `> => ${error.name}:`, ...logs.map((line) => `> ${line}`), '']),
    `Print build logs: ${program} buildx history logs ${ref}`,
  ];
  return `${lines.join('\n')}\n`;
}
