/** Networks' records: looked at, judged (pure), mended. */
import { existsSync, readdirSync } from 'node:fs';
import type { Damage } from '#base/damage.ts';
import { hasCode, WherryError } from '#base/error.ts';
import { parseSubnet } from '#network/ipam.ts';
import { DEFAULT_NETWORK, isOutdated, type NetworkRecord } from '#network/records.ts';
import { setAside } from '#store/lost.ts';
import type { Store } from '#store/store.ts';
import { lock, readJson } from '#sys/file.ts';

/** A file under networks/. */
export interface NetworkFact {
  file: string;
  isWhole: boolean;
}

export interface NetworkRemedy {
  file: string;
}

export function lookAtNetworks(store: Store): NetworkFact[] {
  const files = readdirSync(store.path('networks')).filter((file) => !file.endsWith('.tmp'));
  return files.map((file) => ({ file, isWhole: isWhole(store, file) }));
}

function isWhole(store: Store, file: string): boolean {
  try {
    const record = readJson<Partial<NetworkRecord> | null>(store.path('networks', file));
    // Removed while we looked; or made anew when it is first needed.
    if (record === undefined || (record !== null && isOutdated(record))) return true;
    if (`${record?.name}.json` !== file || typeof record?.id !== 'string' || !Array.isArray(record.pools)) return false;
    for (const { subnet } of record.pools ?? []) parseSubnet(subnet);
    return true;
  } catch (error) {
    if (error instanceof WherryError || hasCode(error, 'EISDIR', 'EACCES', 'EIO')) return false;
    throw error;
  }
}

/** Pure. */
export function judgeNetworks(facts: readonly NetworkFact[], place: (file: string) => string): Damage<NetworkRemedy>[] {
  return facts
    .filter(({ isWhole }) => !isWhole)
    .map(({ file }) => {
      const name = file.replace(/\.json$/, '');
      const isRecord = file.endsWith('.json');
      const what = isRecord ? `the record of the network ${name} is malformed` : 'no network has such a file';
      return { path: place(file), what, advice: isRecord ? adviceFor(name) : 'move it to lost/', remedy: { file } };
    });
}

function adviceFor(name: string): string {
  if (name === DEFAULT_NETWORK) return 'move it to lost/; the network is made anew when it is first needed';
  return `move it to lost/; make the network again by: wherry network create ${name}`;
}

/** Moves the file to lost/, unless somebody has mended it meanwhile. */
export async function mendNetwork(store: Store, { file }: NetworkRemedy): Promise<void> {
  using _alone = await lock(store.path('networks'));
  const path = store.path('networks', file);
  if (existsSync(path) && !isWhole(store, file)) setAside(store, path);
}
