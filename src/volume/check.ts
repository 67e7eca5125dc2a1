/** Volumes' records and directories: looked at, judged (pure), mended. A volume's content is never touched. */
import { existsSync, lstatSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import type { Damage } from '#base/damage.ts';
import { hasCode, WherryError } from '#base/error.ts';
import { setAside } from '#store/lost.ts';
import type { Store } from '#store/store.ts';
import { lock, readJson, replace } from '#sys/file.ts';
import { lostRecord, type Volume, volumeData } from '#volume/volume.ts';

/** What is under volumes/, each with its faults. */
export interface VolumeFact {
  name: string;
  isDirectory: boolean;
  record: 'whole' | 'absent' | 'malformed';
  hasData: boolean;
}

export interface VolumeRemedy {
  kind: 'write record' | 'make data' | 'set aside';
  name: string;
}

export function lookAtVolumes(store: Store): VolumeFact[] {
  return readdirSync(store.path('volumes')).flatMap((name) => {
    const stat = lstatSync(store.path('volumes', name), { throwIfNoEntry: false });
    if (stat === undefined) return [];
    const data = statSync(volumeData(store, name), { throwIfNoEntry: false });
    return [
      {
        name,
        isDirectory: stat.isDirectory(),
        record: recordHealth(store, name),
        hasData: data?.isDirectory() === true,
      },
    ];
  });
}

function recordHealth(store: Store, name: string): VolumeFact['record'] {
  try {
    const volume = readJson<Partial<Volume> | null>(store.path('volumes', name, 'volume.json'));
    if (volume === undefined) return 'absent';
    return volume?.Name === name && volume.Driver !== undefined ? 'whole' : 'malformed';
  } catch (error) {
    if (error instanceof WherryError || hasCode(error, 'EISDIR', 'EACCES', 'EIO')) return 'malformed';
    throw error;
  }
}

/** Pure. */
export function judgeVolumes(
  facts: readonly VolumeFact[],
  place: (name: string, file?: string) => string,
): Damage<VolumeRemedy>[] {
  return facts.flatMap(({ name, isDirectory, record, hasData }) => {
    if (!isDirectory || (record === 'absent' && !hasData)) {
      const what = 'no volume has such a directory';
      return [{ path: place(name), what, advice: 'move it to lost/', remedy: { kind: 'set aside' as const, name } }];
    }
    const found: Damage<VolumeRemedy>[] = [];
    if (record !== 'whole') {
      const what = `the record of the volume ${name} is ${record === 'absent' ? 'missing' : 'malformed'}`;
      const advice = 'write it anew, without the labels that it may have had';
      found.push({ path: place(name, 'volume.json'), what, advice, remedy: { kind: 'write record', name } });
    }
    if (!hasData) {
      const what = `the directory of the volume ${name} is missing`;
      found.push({
        path: place(name, '_data'),
        what,
        advice: 'make an empty one',
        remedy: { kind: 'make data', name },
      });
    }
    return found;
  });
}

/** Carries out a remedy; what has been removed meanwhile stays so. */
export async function mendVolume(store: Store, { kind, name }: VolumeRemedy): Promise<void> {
  using _held = await lock(store.path('volumes'));
  const path = store.path('volumes', name);
  if (!existsSync(path)) return;
  if (kind === 'set aside') setAside(store, path);
  else if (kind === 'make data') mkdirSync(volumeData(store, name), { mode: 0o755 });
  else writeRecord(store, name);
}

function writeRecord(store: Store, name: string): void {
  const made = statSync(volumeData(store, name), { throwIfNoEntry: false })?.birthtime ?? new Date();
  const record = store.path('volumes', name, 'volume.json');
  if (lstatSync(record, { throwIfNoEntry: false })?.isDirectory()) setAside(store, record);
  replace(record, JSON.stringify(lostRecord(store, name, made)), { durable: true });
}
