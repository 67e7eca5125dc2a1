/** The step `file`: its actions, one after the other, become one layer. */
import { chmodSync, closeSync, openSync, writeFileSync } from 'node:fs';
import { copyInto } from '#build/solve/copy.ts';
import { parseMode } from '#build/solve/mode.ts';
import { ownerIn } from '#build/solve/owner.ts';
import { type Filter, matchSources, type Source } from '#build/solve/source.ts';
import { bytesOf, cleanPath, type TreeReader } from '#build/solve/tree.ts';
import { finishUpper, makeDirectories, makeWay, openUpper, resolveUpper, type Upper } from '#build/solve/upper.ts';
import type { CopyAction, FileAction } from '#build/vertex.ts';
import { raw } from '#store/tree.ts';

export interface FileWork {
  actions: readonly FileAction[];
  /** What the layer comes upon. */
  base: TreeReader;
  /** By input. */
  sources: ReadonlyMap<number, Source>;
  /** --exclude and --parents of an action. */
  pick: (action: CopyAction) => Filter | undefined;
  abort?: AbortSignal | undefined;
}

const ROOT = { uid: 0, gid: 0 };

/** Carries the actions out in an empty directory. The umask must be 0. */
export async function workOnFiles(directory: string, work: FileWork): Promise<void> {
  const upper = openUpper(directory, work.base);
  for (const action of work.actions) {
    work.abort?.throwIfAborted();
    const owner = 'owner' in action && action.owner !== undefined ? ownerIn(work.base, action.owner) : undefined;
    if (action.action === 'mkdir') {
      const path = resolveUpper(upper, cleanPath(bytesOf(action.target)));
      makeDirectories(upper, path, { ...(owner ?? ROOT), mode: action.mode });
    } else if (action.action === 'write') writeNew(upper, action);
    else await copy(upper, action, { ...work, owner });
  }
  finishUpper(upper);
}

function writeNew(upper: Upper, { target, data, mode }: Extract<FileAction, { action: 'write' }>): void {
  const at = raw(makeWay(upper, resolveUpper(upper, cleanPath(bytesOf(target))), ROOT));
  const fd = openSync(at, 'wx', mode);
  try {
    writeFileSync(fd, data);
  } finally {
    closeSync(fd);
  }
  chmodSync(at, mode);
}

async function copy(
  upper: Upper,
  action: CopyAction,
  { sources, pick, owner, abort }: FileWork & { owner: { uid: number; gid: number } | undefined },
): Promise<void> {
  const source = sources.get(action.from);
  if (source === undefined) throw new Error(`a copy from input ${action.from}, which is no source`);
  await copyInto(upper, {
    action,
    source,
    matched: matchSources(source, action),
    owner,
    mode: action.mode === undefined ? undefined : parseMode(action.mode),
    pick: pick(action),
    abort,
  });
}
