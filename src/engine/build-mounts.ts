/** What a RUN has mounted: --mount's bind, cache, tmpfs, secret and ssh. */
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { WherryError } from '#base/error.ts';
import { secretValue } from '#build/grants.ts';
import type { BuildSecret, BuildSsh } from '#build/request.ts';
import type { RunWork, Scope, SolvedMount } from '#build/solve/means.ts';
import type { Identity } from '#container/identity.ts';
import { openSource } from '#engine/build-binds.ts';
import { openCache } from '#engine/build-caches.ts';
import type { Mount } from '#oci/spec.ts';
import type { Store } from '#store/store.ts';
import { removeTree } from '#sys/file.ts';

export interface StepSecrets {
  secrets: readonly BuildSecret[];
  ssh: readonly BuildSsh[];
  /** The caller's environment: secrets may be there. */
  environment: NodeJS.ProcessEnv;
}

export interface OpenMounts extends AsyncDisposable {
  mounts: Mount[];
  /** What secrets and agents put into the environment. */
  env: string[];
}

interface Around extends StepSecrets {
  id: string;
  /** A directory of the step's own. */
  place: string;
  scope: Scope;
  identity: Identity;
}

/** Throws kind `not-found` for secrets and agents that are required and not there. */
export async function openMounts(store: Store, work: RunWork, around: Around): Promise<OpenMounts> {
  const open = new AsyncDisposableStack();
  const made: OpenMounts = { mounts: [], env: [], [Symbol.asyncDispose]: () => open.disposeAsync() };
  try {
    for (const [index, mount] of work.mounts.entries()) {
      const found = await OPEN[mount.type](mount, { store, around, open, index });
      made.mounts.push(...found.mounts);
      made.env.push(...(found.env ?? []));
    }
    return made;
  } catch (error) {
    await open.disposeAsync();
    throw error;
  }
}

interface Place {
  store: Store;
  around: Around;
  open: AsyncDisposableStack;
  index: number;
}

interface Opened {
  mounts: Mount[];
  env?: string[];
}

type Open = (mount: SolvedMount, place: Place) => Promise<Opened>;

const bind = (source: string, { target, readonly }: Pick<SolvedMount, 'target' | 'readonly'>): Mount => ({
  destination: target,
  type: 'bind',
  source,
  options: ['rbind', 'rprivate', ...(readonly ? ['ro'] : [])],
});

const OPEN: Record<SolvedMount['type'], Open> = {
  tmpfs: async ({ target, size }) => {
    const options = ['nosuid', 'nodev', 'mode=1777', ...(size ? [`size=${size}`] : [])];
    return { mounts: [{ destination: target, type: 'tmpfs', source: 'tmpfs', options }] };
  },
  bind: async (mount, { store, around, open, index }) => {
    const source = await openSource(store, mount, join(around.place, `mount-${index}`));
    open.defer(source.close);
    return { mounts: [bind(source.path, mount)] };
  },
  cache: async (mount, { store, around, open }) => {
    const cache = await openCache(store, mount, around.scope.abort);
    open.use(cache);
    return { mounts: [bind(cache.path, mount)] };
  },
  secret: openSecret,
  ssh: openAgent,
};

/** In the runtime directory, which is memory: a secret never gets on a disk of ours. */
async function openSecret(mount: SolvedMount, { store, around, open, index }: Place): Promise<Opened> {
  const value = readSecret(mount, around);
  if (value === undefined) return { mounts: [] };
  const env = mount.env === undefined ? [] : [`${mount.env}=${value.toString()}`];
  if (mount.env !== undefined && mount.file !== true) return { mounts: [], env };
  const folder = join(store.runtime, 'secrets', `${around.id}-${index}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  open.defer(() => removeTree(folder));
  const path = join(folder, 'secret');
  writeFileSync(path, value, { mode: 0o600 });
  chownSync(path, mount.uid ?? 0, mount.gid ?? 0);
  chmodSync(path, mount.mode ?? 0o400);
  return { mounts: [bind(path, { target: mount.target, readonly: true })], env };
}

function readSecret({ id = '', required }: SolvedMount, { secrets, environment }: Around): Buffer | undefined {
  const known = secrets.find((secret) => secret.id === id);
  if (known !== undefined) return secretValue(known, environment);
  if (!required) return undefined;
  throw new WherryError('not-found', `secret ${id}: not found`, { hint: `Give it: --secret id=${id},src=FILE` });
}

/** A socket of the step's own, behind which the user's agent answers. */
async function openAgent(mount: SolvedMount, { store, around, open }: Place): Promise<Opened> {
  const { id = 'default', required, target } = mount;
  const known = around.ssh.find((agent) => agent.id === id);
  if (known === undefined) {
    if (!required) return { mounts: [] };
    throw new WherryError('not-found', `unset ssh forward key ${id}`, { hint: `Give it: --ssh ${id}` });
  }
  const { forwardAgent } = await import('#engine/build-agent.ts');
  const agent = await forwardAgent(store, known, { ...around, owner: mount });
  open.use(agent);
  const env = [`SSH_AUTH_SOCK=${target}`];
  return { mounts: [bind(agent.path, { target, readonly: false })], env };
}
