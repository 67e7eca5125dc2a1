/** The keys of steps: what a step is, and what its inputs are. */
import { keyOf } from '#build/solve/cache.ts';
import { sumOf } from '#build/solve/checksum.ts';
import type { Solved } from '#build/solve/means.ts';
import { type Filter, type Matched, matchSources, type Source } from '#build/solve/source.ts';
import type { CopyAction, FileAction, RunMount, RunStep } from '#build/vertex.ts';

/** What a tree is: its layers. */
export const treeId = (layers: readonly { diffId: string }[]): string => keyOf(layers.map(({ diffId }) => diffId));

/**
 * Two keys for one step. quick: by what its inputs are as a whole, where that is known without reading them. exact: by the
 * content of those of their files that the step uses, so that a change elsewhere in them makes no difference.
 */
export interface Keys {
  quick: string | undefined;
  exact(): Promise<string>;
}

interface Common {
  /** The tree that the step works upon, by treeId(). */
  base: string;
  /** SOURCE_DATE_EPOCH: what is made has other times then. */
  epoch: number | undefined;
  platform: string;
}

export interface FileInputs extends Common {
  sources: ReadonlyMap<number, Source>;
  pick: (action: CopyAction) => Filter | undefined;
}

export function fileKeys(actions: readonly FileAction[], { sources, pick, ...common }: FileInputs): Keys {
  const used = actions.flatMap((action) => (action.action === 'copy' ? [sources.get(action.from)] : []));
  const ids = used.map((source) => source?.id);
  const plain = actions.map((action) => ('from' in action ? { ...action, from: 0 } : action));
  return {
    quick: ids.includes(undefined) ? undefined : keyOf(['file', common, plain, ids]),
    exact: async () => {
      const sums: string[] = [];
      for (const action of actions) {
        if (action.action === 'copy') sums.push(await copySum(action, sources.get(action.from), pick(action)));
      }
      for (const source of used) source?.save?.();
      return keyOf(['file by content', common, plain, sums]);
    },
  };
}

async function copySum(action: CopyAction, source: Source | undefined, pick: Filter | undefined): Promise<string> {
  if (source === undefined) throw new Error(`a copy from input ${action.from}, which is no source`);
  return sumOf(source, matchSources(source, action), pick);
}

export interface RunInputs extends Common {
  /** Of each mount that has an input. */
  from: ReadonlyMap<RunMount, { solved: Solved; source: Source }>;
}

/** What a program is given by secrets, agents, caches and proxies is in no key. */
export function runKeys(step: RunStep, { from, ...common }: RunInputs): Keys {
  const { proxy: _proxy, mounts, ...plain } = step;
  const described = mounts.map(({ input: _input, ...mount }) => mount);
  const inputs = mounts.flatMap((mount) => from.get(mount) ?? []);
  const ids = inputs.map(({ source }) => source.id);
  const parts = { ...plainStep(plain), mounts: described };
  return {
    quick: ids.includes(undefined) ? undefined : keyOf(['run', common, parts, ids]),
    exact: async () => {
      const sums: string[] = [];
      for (const mount of mounts) {
        const found = from.get(mount);
        if (found !== undefined) sums.push(await mountSum(found.source, mount));
      }
      return keyOf(['run by content', common, parts, sums]);
    },
  };
}

/** A vertex has its name and its place, too, which say nothing of what it makes. */
function plainStep(step: Omit<RunStep, 'proxy' | 'mounts'>) {
  const { op, args, env, cwd, user, network, security, hostname, hosts, shmSize, ulimits, devices, cgroupParent } =
    step;
  const { validExitCodes } = step;
  return {
    op,
    args,
    env,
    cwd,
    user,
    network,
    security,
    hostname,
    hosts,
    shmSize,
    ulimits,
    devices,
    cgroupParent,
    validExitCodes,
  };
}

async function mountSum(source: Source, { source: path = '/' }: RunMount): Promise<string> {
  // All of an image's files are not read for it.
  if (source.id !== undefined && /^\/*$/.test(path)) return source.id;
  const matched = matchWhole(source, path);
  const sum = await sumOf(source, matched);
  source.save?.();
  return sum;
}

function matchWhole(source: Source, path: string): Matched[] {
  const resolved = source.tree.resolve(path);
  const found = source.tree.find(resolved);
  return found === undefined ? [] : [{ path: resolved, name: '', found }];
}
