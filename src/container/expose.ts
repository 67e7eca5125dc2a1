/**
 * Files of ours for a container that does not have our own id: its root may not pass the directories that only we may
 * enter (capabilities count for files of mapped ids alone, user_namespaces(7)), and home directories are often of that
 * kind. So what it mounts is bound below a directory in /tmp that everybody may pass; the binds are seen in our mount
 * namespace only, and what is bound keeps its own permissions.
 */
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmdirSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { hasCode } from '#base/error.ts';
import type { UserMaps } from '#base/extras.ts';
import type { ContainerRecord } from '#container/record.ts';
import { insideId, outsideRoot } from '#container/userns.ts';
import type { Mount, Spec } from '#oci/spec.ts';
import type { Store } from '#store/store.ts';
import { MS, mount } from '#sys/ffi.ts';
import { readText } from '#sys/file.ts';
import { unmountTree } from '#sys/overlay.ts';

/** Where the directory's name is noted. */
const noteOf = (store: Store, id: string) => join(store.runtime, 'userns', `${id}.open`);

/** Makes a specification work in the user namespace of the container's own: files in /etc are its root's, and in reach. */
export function fitToUserns(store: Store, record: ContainerRecord, spec: Spec): Spec {
  const { maps } = record.extras ?? {};
  if (maps === undefined) return spec;
  giveFiles(store, record.id, spec.mounts, maps);
  if (insideId(maps.uids, 0) !== undefined && insideId(maps.gids, 0) !== undefined) return spec;
  return expose(store, record.id, spec);
}

/** The files that every container gets are ours by themselves. */
function giveFiles(store: Store, id: string, mounts: readonly Mount[], maps: UserMaps): void {
  const root = outsideRoot(maps);
  if (root === undefined) return;
  const own = store.path('containers', id);
  for (const { source, destination } of mounts) {
    if (destination.startsWith('/etc/') && source.startsWith(`${own}/`)) chownSync(source, root.uid, root.gid);
  }
}

/** A fresh volume is ours; in a container that does not have our id it is its root's. What the image gave it to stays. */
export function giveVolume({ extras }: ContainerRecord, path: string): void {
  const { maps } = extras ?? {};
  const stat = statSync(path);
  if (maps === undefined || stat.uid !== 0 || stat.gid !== 0 || insideId(maps.uids, 0) !== undefined) return;
  const root = outsideRoot(maps);
  if (root !== undefined) chownSync(path, root.uid, root.gid);
}

function expose(store: Store, id: string, spec: Spec): Spec {
  closeExposed(store, id);
  const open = mkdtempSync('/tmp/wherry-');
  mkdirSync(join(store.runtime, 'userns'), { recursive: true, mode: 0o700 });
  writeFileSync(noteOf(store, id), open, { mode: 0o600 });
  chmodSync(open, 0o711);
  let count = 0;
  const place = (source: string): string => {
    const target = join(open, String(count));
    count += 1;
    if (statSync(source).isDirectory()) mkdirSync(target, { mode: 0o755 });
    else writeFileSync(target, '', { mode: 0o644 });
    mount(source, target, '', MS.BIND | MS.REC, null);
    return target;
  };
  return {
    ...spec,
    root: { ...spec.root, path: place(spec.root.path) },
    mounts: spec.mounts.map((one) => (isHidden(one) ? { ...one, source: place(one.source) } : one)),
  };
}

/** Binds of what is neither the kernel's nor a device. */
const isHidden = ({ options, source }: Mount): boolean =>
  options.some((option) => /^r?bind$/.test(option)) && !/^\/(dev|proc|sys)(\/|$)/.test(source);

/** Takes away what fitToUserns() made; nothing to do is fine. */
export function closeExposed(store: Store, id: string): void {
  const note = noteOf(store, id);
  const open = readText(note);
  if (open === undefined) return;
  if (existsSync(open)) {
    for (const name of readdirSync(open)) {
      unmountTree(join(open, name));
      removeEmpty(join(open, name));
    }
    removeEmpty(open);
  }
  rmSync(note, { force: true });
}

/** Never a tree: whatever is still mounted there is not ours to remove. */
function removeEmpty(path: string): void {
  try {
    if (statSync(path).isDirectory()) rmdirSync(path);
    else if (statSync(path).size === 0) unlinkSync(path);
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'ENOTEMPTY', 'EBUSY')) throw error;
  }
}
