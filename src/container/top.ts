/** top: what ps(1) says of a container's processes, by moby's rules (daemon/top_unix.go). */
import { WherryError } from '#base/error.ts';
import { recordContainerEvent } from '#container/event.ts';
import { findContainer } from '#container/names.ts';
import { containerProcesses } from '#container/processes.ts';
import { isRestarting, readState } from '#container/state.ts';
import type { Store } from '#store/store.ts';
import { run } from '#sys/process.ts';

export interface ProcessTable {
  titles: string[];
  rows: string[][];
}

/**
 * Lists a container's processes, by their pids outside. options: for ps; none are -ef. Throws kind `not-found`,
 * `conflict` when it does not run, `unavailable` in Docker's words for options that ps refuses or that hide the pids.
 */
export async function topContainer(store: Store, name: string, options: readonly string[]): Promise<ProcessTable> {
  const text = options.length === 0 ? '-ef' : options.join(' ');
  checkOptions(text);
  const record = findContainer(store, name);
  const state = readState(store, record.id);
  if (state?.status === 'restarting') throw isRestarting(record.id);
  if (state === undefined || state.status === 'exited') {
    throw new WherryError('conflict', `container ${record.id} is not running`);
  }
  const pids = containerProcesses(record.id, state);
  const table = parseProcesses(await askPs(text.split(' '), pids), new Set(pids));
  recordContainerEvent(store, record, 'top');
  return table;
}

/** A title of their own choice could make another column look like the pids. */
function checkOptions(text: string): void {
  for (const [, key = '', value = ''] of text.matchAll(/\s+([^\s]*)=\s*(PID[^\s]*)/g)) {
    if (key !== 'pid') throw new WherryError('unavailable', `specifying "${key}=${value}" is not allowed`);
  }
}

/** Some options don't go together with a list of pids: ps is asked for all then. */
async function askPs(options: readonly string[], pids: readonly number[]): Promise<string> {
  const few = await run('ps', [...options, `-q${pids.join(',')}`]);
  if (few.status === 0) return few.stdout;
  const all = await run('ps', options);
  if (all.status === 0) return all.stdout;
  const said = all.stderr.split('\n', 1)[0];
  throw new WherryError('unavailable', `ps: ${said || `exit status ${all.status}`}`);
}

/** ps's output, as far as it is about these processes. What stands behind the last title is one field. */
export function parseProcesses(output: string, pids: ReadonlySet<number>): ProcessTable {
  const [head = '', ...lines] = output.split('\n');
  const titles = fieldsOf(head);
  const column = titles.indexOf('PID');
  if (column === -1) throw new WherryError('unavailable', "Couldn't find PID field in ps output");
  const rows: string[][] = [];
  let isOwn = false;
  for (const line of lines) {
    if (line === '') continue;
    const fields = fieldsOf(line);
    const pid = fields[column] ?? '';
    // A thread's line stands below that of its process (option m).
    if (pid !== '-') {
      if (!/^\d+$/.test(pid)) throw unexpected(pid);
      isOwn = pids.has(Number(pid));
    }
    if (isOwn) rows.push([...fields.slice(0, titles.length - 1), fields.slice(titles.length - 1).join(' ')]);
  }
  return { titles, rows };
}

function unexpected(pid: string): WherryError {
  const quoted = JSON.stringify(pid);
  return new WherryError('unavailable', `Unexpected pid '${pid}': strconv.Atoi: parsing ${quoted}: invalid syntax`);
}

/** ASCII's spaces alone: a name may have others. */
const fieldsOf = (line: string) => line.split(/[\t\n\f\r ]+/).filter(Boolean);
