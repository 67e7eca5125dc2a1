/** What a new container gets that is shared with others: ids that no other has, secrets, a directory instead of an image. */
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { CreateRequest } from '#base/api.ts';
import { WherryError } from '#base/error.ts';
import type { Extras, UserMaps } from '#base/extras.ts';
import { hostFacts } from '#container/facts.ts';
import { idCount } from '#container/identity-count.ts';
import { allContainers } from '#container/names.ts';
import type { ContainerRecord } from '#container/record.ts';
import { autoMaps, outsideId, parseUserns } from '#container/userns.ts';
import type { Image } from '#image/names.ts';
import { hostPlatform } from '#oci/platform.ts';
import { needSecret, readSecret } from '#secret/secret.ts';
import type { Store } from '#store/store.ts';
import { lock } from '#sys/file.ts';

/** To be disposed of when the record is in its place. */
export interface Reserved extends Disposable {
  /** Puts what belongs to the container into its directory, before that appears. */
  fill(directory: string): Promise<void>;
}

/** Settles what depends on others, in the record itself. Throws kind `not-found` for a secret, `unavailable` for ids. */
export async function reserveFor(store: Store, record: ContainerRecord): Promise<Reserved> {
  const extras: Extras = { ...record.extras };
  const secrets = (extras.secrets ?? []).map((use) => ({ ...use, source: needSecret(store, use.source).id }));
  if (secrets.length > 0) extras.secrets = secrets;
  const mode = parseUserns(record.hostConfig.UsernsMode);
  // Whoever gives out ids waits for the other's record.
  const held = mode.kind === 'auto' ? await lock(store.path('containers')) : undefined;
  try {
    if (mode.kind === 'auto') {
      const { records, damaged } = allContainers(store);
      for (const id of damaged) refuseWithIds(store, id);
      const used = records.flatMap(({ extras: other }): UserMaps[] => (other?.maps === undefined ? [] : [other.maps]));
      const size = mode.size ?? idCount(store, record);
      extras.maps = autoMaps(mode, size, { ours: hostFacts(store).userns, used });
    }
  } catch (error) {
    held?.[Symbol.dispose]();
    throw error;
  }
  record.extras = extras;
  return {
    fill: (directory) => writeSecrets(store, secrets, { maps: extras.maps, directory }),
    [Symbol.dispose]: () => held?.[Symbol.dispose](),
  };
}

/**
 * Ids of a container whose record is damaged can't be told from free ones. Whether it has ids of its own at all is seen
 * at its files: else they are ours. Throws kind `corrupt`.
 */
function refuseWithIds(store: Store, id: string): void {
  const { uid = 0 } = statSync(store.path('containers', id, 'upper'), { throwIfNoEntry: false }) ?? {};
  if (uid === 0) return;
  const short = id.slice(0, 12);
  throw new WherryError(
    'corrupt',
    `Cannot find free ids: the record of container ${short} is damaged, which has some`,
    {
      hint: `Run \`wherry system check --repair\`, or \`wherry rm -f ${short}\``,
    },
  );
}

/** A copy each: a secret that is removed, or made anew, stays as it was in the containers that have it. */
async function writeSecrets(
  store: Store,
  secrets: NonNullable<Extras['secrets']>,
  { maps, directory }: { maps: UserMaps | undefined; directory: string },
): Promise<void> {
  if (secrets.length === 0) return;
  const { chmodSync, chownSync, writeFileSync } = await import('node:fs');
  mkdirSync(join(directory, 'secrets'), { mode: 0o711 });
  for (const [index, { source, target, uid, gid, mode }] of secrets.entries()) {
    const path = join(directory, 'secrets', String(index));
    const [user, group] = [
      maps === undefined ? uid : outsideId(maps.uids, uid),
      maps === undefined ? gid : outsideId(maps.gids, gid),
    ];
    if (user === undefined || group === undefined) {
      throw new WherryError(
        'denied',
        `Cannot give the secret "${target}" to ${uid}:${gid}: the container has no such ids`,
      );
    }
    writeFileSync(path, readSecret(store, source), { mode: 0o600 });
    chownSync(path, user, group);
    chmodSync(path, mode);
  }
}

/** --rootfs: what stands where a container's image would. */
export function directoryImage({ config }: CreateRequest): { image: Image; reference: string } {
  const { os, architecture, variant } = hostPlatform();
  const image = {
    id: '',
    manifest: { mediaType: '', digest: '', size: 0 },
    config: {
      os,
      architecture,
      ...(variant === undefined ? {} : { variant }),
      rootfs: { type: 'layers', diff_ids: [] },
    },
    references: [],
    diffIds: [],
    layers: [],
    size: 0,
    sizes: [],
  };
  return { image: image as Image, reference: config.Image };
}
