import { type Context, command, type Output } from '#cli/command.ts';
import { listFormat } from '#cli/config-file.ts';
import { LIST_FORMAT_SUMMARY } from '#cli/format.ts';
import { printRows } from '#cli/table.ts';
import { boolean, integer, text } from '#cli/values.ts';
import { findContainer, readRecord } from '#container/names.ts';
import type { ContainerRecord } from '#container/record.ts';
import { type Sample, statsRow, takeSamples } from '#container/stats.ts';
import { listSeen } from '#container/view.ts';

const HEADERS = {
  Container: 'CONTAINER',
  ID: 'CONTAINER ID',
  Name: 'NAME',
  CPUPerc: 'CPU %',
  MemUsage: 'MEM USAGE / LIMIT',
  MemPerc: 'MEM %',
  NetIO: 'NET I/O',
  BlockIO: 'BLOCK I/O',
  PIDs: 'PIDS',
};

const COLUMNS = ['ID', 'Name', 'CPUPerc', 'MemUsage', 'MemPerc', 'NetIO', 'BlockIO', 'PIDs'];

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
  run: async (context, names, { all, format, interval, noReset, noStream, noTrunc }) => {
    const choose = chooser(context, names, all);
    const shown = listFormat(context.err, 'statsFormat', { format, quiet: false });
    const draw = drawer(context, { format: shown, truncate: !noTrunc, reset: !noReset && !noStream });
    let chosen = choose();
    let before: Looks = new Map();
    let after = takeSamples(
      context.store,
      chosen.map(({ record }) => record),
    );
    // What a processor did is known at the second look only.
    if (!noStream && !noReset) await draw(chosen, { before, after: new Map() });
    do {
      await sleep(Math.max(interval, 1) * 1000, context.abort);
      chosen = choose();
      before = after;
      after = takeSamples(
        context.store,
        chosen.map(({ record }) => record),
      );
      await draw(chosen, { before, after });
    } while (!noStream);
  },
});

type Looks = Map<string, Sample>;

interface Chosen {
  record: ContainerRecord;
  /** As it was named. */
  container: string;
}

/** What to look at now: those that were named, or what runs, each in its place as long as it is there. */
function chooser(context: Context, names: readonly string[], all: boolean): () => Chosen[] {
  const { store } = context;
  if (names.length > 0) {
    const named = names.map((name) => ({ record: findContainer(store, name), container: name }));
    return () => named.map((one) => ({ ...one, record: readRecord(store, one.record.id) ?? one.record }));
  }
  let order: string[] = [];
  return () => {
    const seen = new Map(listSeen(store, { all }).map(({ record }) => [record.id, record]));
    order = [...order.filter((id) => seen.has(id)), ...[...seen.keys()].filter((id) => !order.includes(id))];
    return order.flatMap((id) => {
      const record = seen.get(id);
      return record === undefined ? [] : [{ record, container: id }];
    });
  };
}

interface DrawOptions {
  format: string | undefined;
  truncate: boolean;
  reset: boolean;
}

function drawer({ out }: Context, { format, truncate, reset }: DrawOptions) {
  return async (chosen: readonly Chosen[], { before, after }: { before: Looks; after: Looks }): Promise<void> => {
    const rows = chosen.map(({ record, container }) =>
      statsRow(record, { before: before.get(record.id), after: after.get(record.id) }, { container, truncate }),
    );
    const lines: string[] = [];
    const write = (data: string | Uint8Array) => void lines.push(String(data));
    const collect: Output = { isTerminal: false, columns: out.columns, write, line: (line) => write(`${line}\n`) };
    await printRows(collect, rows, {
      headers: HEADERS,
      columns: COLUMNS,
      format,
      type: 'container.statsContext',
      runPrefix: 'template parsing error: ',
    });
    out.write(reset ? overwritten(lines.join('')) : lines.join(''));
  };
}

/** From the upper left corner, each line and all below it without what stood there (console_codes(4)). */
const overwritten = (frame: string) => `\x1b[H${frame.replaceAll('\n', '\x1b[K\n')}\x1b[J`;

function sleep(milliseconds: number, abort: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(abort.reason);
    };
    const timer = setTimeout(() => {
      abort.removeEventListener('abort', stop);
      resolve();
    }, milliseconds);
    if (abort.aborted) stop();
    abort.addEventListener('abort', stop, { once: true });
  });
}
