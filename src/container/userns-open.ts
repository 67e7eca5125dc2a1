/** The user namespace of a container's own, at each start: made with its maps, or another container's. */
import { existsSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { hasCode, WherryError } from '#base/error.ts';
import { runningOwner } from '#container/further.ts';
import type { ContainerRecord } from '#container/record.ts';
import { parseUserns } from '#container/userns.ts';
import type { Store } from '#store/store.ts';
import { releaseNamespace } from '#sys/netns.ts';
import { makeNamespaces, makeNetworkIn, pinNamespace } from '#sys/userns-make.ts';

/** Where it is pinned while the container runs. */
const pathOf = (store: Store, id: string) => join(store.runtime, 'userns', id);

export interface OpenUserns extends AsyncDisposable {
  /** The namespace, for config.json; it stays until closeUserns(). */
  path: string;
  /** A network namespace that belongs to it, there until this is disposed of. */
  netns?: string;
}

/** Undefined for a container in our own namespace. */
export async function openUserns(store: Store, record: ContainerRecord): Promise<OpenUserns | undefined> {
  const { hostConfig, extras } = record;
  const mode = parseUserns(hostConfig.UsernsMode);
  const network = hostConfig.NetworkMode !== 'host' && !hostConfig.NetworkMode.startsWith('container:');
  const others = mode.kind === 'container' ? shared(store, mode.name) : mode.kind === 'path' ? mode.path : undefined;
  if (others !== undefined) return joinUserns(store, record.id, reachable(others), network);
  if (extras?.maps === undefined || mode.kind === 'container') return undefined;
  const keeper = await makeNamespaces(extras.maps, { network });
  try {
    const path = pathOf(store, record.id);
    await pinNamespace(join(keeper.namespaces, 'user'), path);
    return {
      path,
      ...(network ? { netns: join(keeper.namespaces, 'net') } : {}),
      [Symbol.asyncDispose]: () => keeper[Symbol.asyncDispose](),
    };
  } catch (error) {
    await keeper[Symbol.asyncDispose]();
    throw error;
  }
}

/** Somebody else's, pinned for this container, too: it stays when that somebody has gone. */
async function joinUserns(store: Store, id: string, userns: string, network: boolean): Promise<OpenUserns> {
  const path = pathOf(store, id);
  await pinNamespace(userns, path);
  if (!network) return { path, [Symbol.asyncDispose]: async () => undefined };
  const keeper = await makeNetworkIn(path);
  return {
    path,
    netns: join(keeper.namespaces, 'net'),
    [Symbol.asyncDispose]: () => keeper[Symbol.asyncDispose](),
  };
}

/** That of a running container; undefined where it is our own, too. */
function shared(store: Store, name: string): string | undefined {
  const { pid } = runningOwner(store, name, 'user');
  const path = `/proc/${pid}/ns/user`;
  return readlinkSync(path) === readlinkSync('/proc/self/ns/user') ? undefined : path;
}

function reachable(path: string): string {
  try {
    readlinkSync(path);
  } catch (error) {
    if (hasCode(error, 'EACCES', 'EPERM')) {
      throw new WherryError('denied', `Cannot join the user namespace "${path}": it is not yours`, { cause: error });
    }
    if (!hasCode(error, 'EINVAL')) throw error;
  }
  return path;
}

/** Lets it go; nothing to do is fine. */
export async function closeUserns(store: Store, id: string): Promise<void> {
  const path = pathOf(store, id);
  if (existsSync(path)) await releaseNamespace(path);
}
