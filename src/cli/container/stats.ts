import { type Context, command } from '#cli/command.ts';
import { LIST_FORMAT_SUMMARY } from '#cli/format.ts';
import { type Chosen, listed, showStats } from '#cli/stats.ts';
import { boolean, integer, text } from '#cli/values.ts';
import { findContainer, readRecord } from '#container/names.ts';

export default command({
  usage: '[CONTAINER...]',
  summary: 'Display a live stream of container(s) resource usage statistics',
  details: `
    The table is drawn anew each second, until the command is interrupted; without names it has whatever runs. The
    numbers are those of the container's cgroup. Where it has none, they are the sums over its processes: memory that
    several share is counted in part, and what a process used goes when nobody waits for its end.`,
  examples: [{ does: 'One look', line: 'wherry stats --no-stream' }],
  flags: {
    all: { short: 'a', as: boolean, summary: 'Show all containers (default shows just running)' },
    format: { as: text, summary: LIST_FORMAT_SUMMARY },
    interval: { short: 'i', as: integer, default: '1', summary: 'Seconds between two looks' },
    'no-reset': { as: boolean, summary: "Don't clear the screen between two looks" },
    'no-stream': { as: boolean, summary: 'Disable streaming stats and only pull the first result' },
    'no-trunc': { as: boolean, summary: 'Do not truncate output' },
  },
  run: (context, names, { all, ...wish }) => showStats(context, chooser(context, names, all), wish),
});

/** What to look at now: those that were named, or what runs. */
function chooser(context: Context, names: readonly string[], all: boolean): () => Chosen[] {
  if (names.length === 0) return listed(context, all);
  const { store } = context;
  const named = names.map((name) => ({ record: findContainer(store, name), container: name }));
  return () => named.map((one) => ({ ...one, record: readRecord(store, one.record.id) ?? one.record }));
}
