/** Live numbers of containers: what each takes, drawn anew with every look. */
import type { Context, Output } from '#cli/command.ts';
import { listFormat } from '#cli/config-file.ts';
import { printRows } from '#cli/table.ts';
import type { ContainerRecord } from '#container/record.ts';
import { type Sample, statsRow, takeSamples } from '#container/stats.ts';
import { listSeen, type Seen } from '#container/view.ts';

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

export interface StatsWish {
  format?: string | undefined;
  /** Seconds between two looks; by itself 1. */
  interval?: number;
  noReset?: boolean;
  noStream: boolean;
  noTrunc: boolean;
}

/** Shows what these containers take until it is interrupted. choose: asked anew at each look. */
export async function showStats(
  context: Context,
  choose: () => Chosen[],
  { format, interval = 1, noReset = false, noStream, noTrunc }: StatsWish,
): Promise<void> {
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
}

type Looks = Map<string, Sample>;

export interface Chosen {
  record: ContainerRecord;
  /** As it was named. */
  container: string;
}

/** Whatever is there, and matches: each in its place as long as it is there. */
export function listed(
  { store }: Context,
  all: boolean,
  matches: (seen: Seen) => boolean = () => true,
): () => Chosen[] {
  let order: string[] = [];
  return () => {
    const found = listSeen(store, { all }).filter(matches);
    const seen = new Map(found.map(({ record }) => [record.id, record]));
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
