/** The build cache's records and their layers: looked at, judged (pure), mended. What is lost is built anew. */
import type { Damage } from '#base/damage.ts';
import { dropRecords, listRecords, malformedRecords } from '#build/solve/cache.ts';
import type { Store } from '#store/store.ts';

interface RecordFact {
  id: string;
  fault: 'malformed' | 'altered';
  /** `[build 2/5] RUN make`; absent where nobody can read it. */
  description?: string;
}

export interface BuildRemedy {
  kind: 'forget';
  id: string;
}

/** isSound: has a layer the content that it is named by? Absent: contents are not read. */
export async function lookAtBuilds(
  store: Store,
  isSound?: (diffId: string) => Promise<boolean>,
): Promise<RecordFact[]> {
  const found: RecordFact[] = malformedRecords(store).map((id) => ({ id, fault: 'malformed' }));
  if (isSound === undefined) return found;
  for (const { id, diffId, description } of listRecords(store)) {
    if (!(await isSound(diffId))) found.push({ id, fault: 'altered', description });
  }
  return found;
}

/** Pure. */
export function judgeBuilds(facts: readonly RecordFact[], place: (id: string) => string): Damage<BuildRemedy>[] {
  return facts.map(({ id, fault, description }) => ({
    path: place(id),
    what: fault === 'malformed' ? 'malformed record of the build cache' : `altered layer of the step ${description}`,
    advice: 'forget the step, which the next build does again',
    remedy: { kind: 'forget', id },
  }));
}

/** The layer is for who looks for what nobody needs. */
export function mendBuild(store: Store, { id }: BuildRemedy): void {
  dropRecords(store, [id]);
}
