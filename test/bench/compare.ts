/** What a figure is, and the same line by us and by the peers, timed in turns. */
import type { Bench, Peer } from '#test/bench/setting.ts';

export interface Result {
  /** Undefined: `most` is a bound by itself. */
  peer: Peer | 'conmon' | 'docker compose' | 'podman-compose' | undefined;
  ours: number;
  /** Absent: the peer is not here. */
  theirs: number | undefined;
  unit: 'ms' | 'KiB';
  most: number;
}

export interface Benchmark {
  name: string;
  measure(bench: Bench): Promise<Result[]> | Result[];
}

export type Line = (command: string) => string;

/** Times a line by each peer and by us. */
export function compare(
  bench: Bench,
  line: Line,
  peers: Partial<Record<Peer, number>>,
  options: { runs?: number; peerRuns?: number; prepare?: Line } = {},
): Result[] {
  const { prepare } = options;
  const timed = (who: 'wherry' | Peer, runs: number | undefined) => {
    const command = who === 'wherry' ? bench.wherry : who;
    return bench.time(who, line(command), {
      ...(runs === undefined ? {} : { runs }),
      ...(prepare === undefined ? {} : { prepare: prepare(command) }),
    });
  };
  return Object.entries(peers).map(([peer, most]) => {
    const name = peer as Peer;
    const here = bench.has(name);
    // Theirs first: what the machine has warmed up by then is to our disadvantage as little as to theirs.
    const theirs = here ? timed(name, options.peerRuns ?? options.runs) : undefined;
    return { peer: name, ours: timed('wherry', options.runs), theirs, unit: 'ms', most };
  });
}

export const both = (bench: Bench): ('wherry' | Peer)[] => (bench.has('podman') ? ['wherry', 'podman'] : ['wherry']);
export const commandOf = (bench: Bench, who: 'wherry' | Peer) => (who === 'wherry' ? bench.wherry : who);

export const median = (times: readonly number[]) =>
  times.toSorted((one, other) => one - other)[times.length >> 1] ?? Number.NaN;
