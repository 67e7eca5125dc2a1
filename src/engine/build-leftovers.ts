/** What a build that was killed left: programs of its steps, which end before their files go, and layers that nobody needs. */
import { closeSync, mkdirSync, readdirSync, rmSync, writeSync } from 'node:fs';
import { hostFacts } from '#container/facts.ts';
import { forgetInRuntime, runtimeOf } from '#container/monitor.ts';
import { STEP } from '#network/leases.ts';
import { isDigest } from '#oci/manifest.ts';
import { stageFile, stagingName } from '#store/staging.ts';
import type { Store } from '#store/store.ts';
import { readText, tryLock } from '#sys/file.ts';

/** Ends the programs of steps that no living command has. Costs a readdir(3) where there are none. */
export async function endLeftSteps(store: Store): Promise<void> {
  const places = readdirSync(store.path('tmp')).filter((name) => name.startsWith('step-') && !name.endsWith('.lock'));
  for (const place of places) {
    using held = await tryLock(store.path('tmp', place)).catch(() => undefined);
    const id = held === undefined ? undefined : readText(store.path('tmp', place, 'id'));
    if (id === undefined || !/^[\w-]+$/.test(id) || !id.startsWith(STEP)) continue;
    const { manager } = hostFacts(store).cgroup;
    await forgetInRuntime(store, id, runtimeOf(store, { hostConfig: { Runtime: '' } }, { cgroupManager: manager }));
  }
}

/** Which layers a build makes, and which lose their record to these, told to who comes after it is killed. */
export interface LayerNotes extends Disposable {
  note(diffIds: readonly string[]): void;
  noted(): string[];
  /** They are left to who comes after this build. */
  leave(): void;
}

const NOTES = ['build', 'work'];

/** A file, made with the first note and held by flock; no sweep() takes it, only who has dropped what it names. */
export function openLayerNotes(store: Store): LayerNotes {
  const all = new Set<string>();
  let file: { path: string; fd: number } | undefined;
  let isLeft = false;
  return {
    note: (diffIds) => {
      const more = diffIds.filter((diffId) => !all.has(diffId));
      if (more.length === 0) return;
      file ??= stageNotes(store);
      writeSync(file.fd, more.map((diffId) => `${diffId}\n`).join(''));
      for (const diffId of more) all.add(diffId);
    },
    noted: () => [...all],
    leave: () => {
      isLeft = true;
    },
    [Symbol.dispose]: () => {
      if (file === undefined) return;
      if (!isLeft) rmSync(file.path, { force: true });
      closeSync(file.fd);
      file = undefined;
    },
  };
}

function stageNotes(store: Store): { path: string; fd: number } {
  mkdirSync(store.path(...NOTES), { recursive: true, mode: 0o700 });
  const path = store.path(...NOTES, stagingName('hold'));
  return { path, fd: stageFile(path) };
}

type Drop = (diffIds: readonly string[]) => Promise<void>;

/** Of a build that has failed: what it failed of is what its user is told, so that what can't be dropped now is left. */
export async function dropNoted(notes: LayerNotes, drop: Drop): Promise<void> {
  await drop(notes.noted()).catch(() => notes.leave());
}

/**
 * Drops what builds that were killed have noted, as far as nobody needs it. Costs a readdir(3) where there is none. What
 * can't be dropped is left to the next build: it is no reason for this one to fail.
 */
export async function dropLeftLayers(store: Store, drop: Drop): Promise<void> {
  mkdirSync(store.path(...NOTES), { recursive: true, mode: 0o700 });
  for (const name of readdirSync(store.path(...NOTES))) {
    const path = store.path(...NOTES, name);
    using held = await tryLock(path).catch(() => undefined);
    if (held === undefined) continue;
    const left = (readText(path) ?? '').split('\n').filter(isDigest);
    const isDropped = await drop(left).then(
      () => true,
      () => false,
    );
    if (isDropped) rmSync(path, { force: true });
  }
}
