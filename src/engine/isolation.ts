/** What a start does for podman's flags and for devices by name; of most containers nothing, and nothing is loaded. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Further } from '#container/further.ts';
import type { ContainerRecord } from '#container/record.ts';
import type { OpenUserns } from '#container/userns-open.ts';
import type { Spec } from '#oci/spec.ts';
import type { Store } from '#store/store.ts';

/** A user namespace of the container's own, where it has one (container/userns-open.ts). */
export async function openUsernsIfAsked(store: Store, record: ContainerRecord): Promise<OpenUserns | undefined> {
  if (record.extras?.maps === undefined && !/^(container|ns):/.test(record.hostConfig.UsernsMode)) return undefined;
  const { openUserns } = await import('#container/userns-open.ts');
  return openUserns(store, record);
}

/** The other end of it. */
export async function closeUsernsIfThere(store: Store, id: string): Promise<void> {
  if (!existsSync(join(store.runtime, 'userns', id))) return;
  const [{ closeUserns }, { closeExposed }] = await Promise.all([
    import('#container/userns-open.ts'),
    import('#container/expose.ts'),
  ]);
  closeExposed(store, id);
  await closeUserns(store, id);
}

/** The specification as it works there (container/expose.ts). */
export async function fitToUsernsIfOwn(store: Store, record: ContainerRecord, spec: Spec): Promise<Spec> {
  if (record.extras?.maps === undefined) return spec;
  const { fitToUserns } = await import('#container/expose.ts');
  return fitToUserns(store, record, spec);
}

/** Accounts are added to the mounted root, and what else was asked for is looked up. userns: see openUserns(). */
export async function lookFurtherIfAsked(
  store: Store,
  record: ContainerRecord,
  { rootfs, userns }: { rootfs: string; userns: string | undefined },
): Promise<{ further?: Further }> {
  const { extras, hostConfig } = record;
  const shares = [hostConfig.UTSMode, hostConfig.CgroupnsMode].some((mode) => mode.startsWith('container:'));
  const asks = shares || extras !== undefined || userns !== undefined || hostConfig.DeviceRequests?.length;
  if (!asks) return {};
  if (extras?.accounts !== undefined || hostConfig.UsernsMode.startsWith('keep-id')) {
    const { addAccounts } = await import('#container/accounts.ts');
    addAccounts(rootfs, record, hostConfig.UsernsMode === 'keep-id' ? { uid: store.host.uid } : undefined);
  }
  const { lookFurther } = await import('#container/further.ts');
  return { further: await lookFurther(store, record, userns) };
}
