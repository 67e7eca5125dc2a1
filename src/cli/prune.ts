/** What the prune commands have in common: Docker's question, and its lists of what went. */
import { createInterface } from 'node:readline';
import { humanSize } from '#base/units.ts';
import type { Context, Flags } from '#cli/command.ts';
import { boolean, filter } from '#cli/values.ts';

/** --filter and --force; example: what the help shows. */
export const pruneFlags = (example = 'until=<timestamp>') =>
  ({
    filter: { as: filter, summary: `Provide filter values (e.g. "${example}")` },
    force: { short: 'f', as: boolean, summary: 'Do not prompt for confirmation' },
  }) satisfies Flags;

/** Asks whether to go on after a warning; only `y` is a yes. */
export async function confirm({ out }: Context, warning: string): Promise<boolean> {
  out.write(`WARNING! ${warning}\nAre you sure you want to continue? [y/N] `);
  const lines = createInterface({ input: process.stdin });
  try {
    for await (const line of lines) return line.trim().toLowerCase() === 'y';
    return false;
  } finally {
    lines.close();
    process.stdin.destroy();
  }
}

/** A list with its title and an empty line below it; nothing where nothing went. */
export function printRemoved({ out }: Context, title: string, lines: readonly string[]): void {
  if (lines.length > 0) out.write(`${title}:\n${lines.map((line) => `${line}\n`).join('')}\n`);
}

export function printReclaimed({ out }: Context, bytes: number): void {
  out.line(`Total reclaimed space: ${humanSize(bytes, 4)}`);
}

/** The lines of images that went. */
export function imageLines(removed: readonly { untagged: string[]; deleted: string[] }[]): string[] {
  return removed.flatMap(({ untagged, deleted }) => [
    ...untagged.map((name) => `untagged: ${name}`),
    ...deleted.map((id) => `deleted: ${id}`),
  ]);
}
