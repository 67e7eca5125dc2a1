/** What a container needs around it at each start: root, volumes, network, the files in /etc, and the bundle. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { MountPoint } from '#base/api.ts';
import { oomFile } from '#container/limits.ts';
import type { MonitorOptions } from '#container/monitor.ts';
import type { ContainerRecord, NetworkState } from '#container/record.ts';
import { isSpecial } from '#container/record.ts';
import { mountRootfs } from '#container/rootfs.ts';
import { withCompiledFilter } from '#container/seccomp-cache.ts';
import { mountShm } from '#container/shm.ts';
import { makeSpec } from '#container/spec.ts';
import { readState } from '#container/state.ts';
import { type Found, lookAround } from '#container/surroundings.ts';
import { statusOf } from '#container/view.ts';
import { type Connection, connectContainer, writeEtcFiles } from '#engine/connect.ts';
import { fitToUsernsIfOwn, lookFurtherIfAsked, openUsernsIfAsked } from '#engine/isolation.ts';
import { hostPlatform } from '#oci/platform.ts';
import type { Store } from '#store/store.ts';
import { replace } from '#sys/file.ts';
import { resolveInRoot } from '#sys/rooted.ts';
import { bringSources } from '#volume/host-path.ts';

/** What the monitor has to know of it. */
export interface Bundle
  extends Pick<MonitorOptions, 'bundle' | 'cgroupManager' | 'oomFile' | 'netns' | 'publish' | 'near' | 'showsClients'> {
  /** To be called when the container has started: the next one starts faster. */
  started?: () => void;
}

/**
 * Joins the networks, and while other programs make the links, mounts the root and writes the bundle. Whatever is made
 * before an error stays for the caller to give back.
 */
export async function prepareBundle(
  store: Store,
  record: ContainerRecord,
  { size }: Pick<Wish, 'size'>,
): Promise<Bundle> {
  await offerEmulator(store, record);
  await using own = await openUsernsIfAsked(store, record);
  const connection = await connectContainer(store, record, own?.netns);
  const wish = { ...(size === undefined ? {} : { size }), ...(own === undefined ? {} : { userns: own.path }) };
  const [bundle, made] = await Promise.allSettled([
    makeBundle(store, record, { connection, ...wish }),
    connection.made,
  ]);
  if (bundle.status === 'rejected') throw bundle.reason;
  if (made.status === 'rejected') throw made.reason;
  return { ...bundle.value, showsClients: made.value };
}

/** Where the image is for another processor. What then still can't be run, the runtime says. */
async function offerEmulator(store: Store, { image }: ContainerRecord): Promise<void> {
  const [os = '', architecture = ''] = image.platform.split('/');
  if (architecture === '' || architecture === hostPlatform().architecture) return;
  const { canRun } = await import('#engine/builder.ts');
  await canRun(store, { os, architecture });
}

interface Wish {
  /** Of the terminal: rows, columns. */
  size?: [number, number];
  /** The user namespace of the container's own. */
  userns?: string;
}

async function makeBundle(
  store: Store,
  asked: ContainerRecord,
  { connection, size, userns }: Wish & { connection: Connection },
): Promise<Bundle> {
  bringSources(asked.mounts, asked.hostConfig.Mounts ?? []);
  const rootfs = await mountRoot(store, asked);
  const record = asked.mounts.some(isSpecial) ? await bringSpecial(store, asked, rootfs) : asked;
  const further = await lookFurtherIfAsked(store, record, { rootfs, userns });
  const around = lookAround(store, record, rootfs);
  const found = { ...around, ...further, devices: [...around.devices, ...(further.further?.devices ?? [])] };
  const started = await writeBundle(store, record, {
    connection,
    found,
    rootfs,
    ...(size === undefined ? {} : { size }),
  });
  const { cgroup, userns: ours } = found.facts;
  const counts = oomFile(record.id, record.hostConfig, cgroup, { uid: store.host.uid, initial: ours.initial });
  return {
    bundle: store.path('containers', record.id, 'bundle'),
    cgroupManager: cgroup.manager,
    ...(counts === undefined ? {} : { oomFile: counts }),
    ...(connection.userNetns === undefined ? {} : { netns: connection.userNetns }),
    publish: connection.publish,
    near: connection.near,
    ...(started === undefined ? {} : { started }),
  };
}

async function bringSpecial(store: Store, record: ContainerRecord, rootfs: string): Promise<ContainerRecord> {
  const { bringMounts } = await import('#engine/mounts.ts');
  return bringMounts(store, record, rootfs);
}

/** The root, and on the first start the volumes with what the image has at their places. */
async function mountRoot(store: Store, record: ContainerRecord): Promise<string> {
  const rootfs = await mountRootfs(store, record);
  await mountShm(store, record);
  await prepareVolumes(store, record, rootfs);
  return rootfs;
}

/** Mounts what volumes have of their own, and before the first start fills fresh ones from the root. */
export async function prepareVolumes(store: Store, record: ContainerRecord, rootfs: string): Promise<void> {
  const volumes = record.mounts.filter((point) => point.Type === 'volume');
  if (volumes.length === 0) return;
  const { copyUp, emptyIfCutOff } = await import('#volume/copyup.ts');
  for (const { Source } of volumes) await emptyIfCutOff(Source);
  const inMemory = await mountVolumes(store, volumes);
  const fresh = volumes.filter((point) => isFilled(point) && !inMemory.has(point));
  if (statusOf(readState(store, record.id)) !== 'created') return;
  for (const { Anonymous: anonymous = false, Destination, Source } of fresh) {
    await copyUp(resolveInRoot(rootfs, Destination), Source, { anonymous });
  }
  if (record.extras?.maps !== undefined) await giveVolumes(record, fresh);
}

/** Does a volume start with what the image has there? */
export const isFilled = ({ Type, NoCopy, Subpath }: MountPoint): boolean => Type === 'volume' && !NoCopy && !Subpath;

async function giveVolumes(record: ContainerRecord, fresh: readonly MountPoint[]): Promise<void> {
  const { giveVolume } = await import('#container/expose.ts');
  for (const { Source } of fresh) giveVolume(record, Source);
}

/** Gives those that are in memory: Docker's start empty. */
async function mountVolumes(store: Store, volumes: readonly MountPoint[]): Promise<Set<MountPoint>> {
  const { mountVolume } = await import('#volume/mounted.ts');
  const inMemory = new Set<MountPoint>();
  for (const point of volumes) if ((await mountVolume(store, point.Name ?? '')) === 'tmpfs') inMemory.add(point);
  return inMemory;
}

interface Prepared {
  connection: Connection;
  found: Found;
  rootfs: string;
  size?: [number, number];
}

/** Writes it; what it gives is to be called when the container has started. */
async function writeBundle(
  store: Store,
  record: ContainerRecord,
  prepared: Prepared,
): Promise<(() => void) | undefined> {
  const { connection, found, rootfs, size } = prepared;
  const at = (name: string) => store.path('containers', record.id, name);
  const files = await writeEtcFiles(store, record, { connection, found });
  const state: NetworkState = {
    netns: connection.netns ?? null,
    endpoints: connection.endpoints,
    ports: connection.ports,
  };
  replace(at('network.json'), JSON.stringify(state));
  const plain = makeSpec({
    record: withLinks(record, connection.links.env),
    rootfs,
    files,
    found,
    ...(connection.netns === undefined ? {} : { netns: connection.netns }),
    ...(size === undefined ? {} : { size }),
  });
  const { spec, keep } = withCompiledFilter(store, record, await fitToUsernsIfOwn(store, record, plain));
  mkdirSync(at('bundle'), { recursive: true, mode: 0o700 });
  replace(join(at('bundle'), 'config.json'), JSON.stringify(spec));
  return keep;
}

/** What --link puts into the environment stands below the container's own. */
function withLinks(record: ContainerRecord, env: readonly string[]): ContainerRecord {
  if (env.length === 0) return record;
  return { ...record, config: { ...record.config, Env: [...env, ...record.config.Env] } };
}
