/** What the steps of one pull share, and the places that they ask one after the other. */
import type { Progress } from '#base/progress.ts';
import type { Platform } from '#oci/manifest.ts';
import { hostPlatform, parsePlatform } from '#oci/platform.ts';
import type { Source } from '#oci/registries.ts';
import type { Registry } from '#oci/registry.ts';
import { atFirst, type Found, findSources, openSource } from '#oci/sources.ts';
import type { Store } from '#store/store.ts';
import { sweep } from '#store/sweep.ts';
import { openUnpacker, type Unpacker } from '#store/unpack.ts';

export interface PullOptions {
  /** os[/architecture[/variant]]; this machine's when absent. */
  platform?: string;
  /** A file with a public key: who has it must have signed the image, whatever the user's policy is. */
  verifyKey?: string;
  progress?: (event: Progress) => void;
  abort?: AbortSignal;
}

/** One call of pull. */
export interface Pull {
  store: Store;
  platform: Platform;
  /** Did the user ask for this platform? */
  explicit: boolean;
  verifyKey: string | undefined;
  say: (event: Progress) => void;
  unpacker: () => Unpacker;
  found: Found;
  abort: AbortSignal | undefined;
  /** Opened once, then kept while nothing fails there. */
  sessions: Map<string, Session>;
}

/** The same at one place. */
export interface Session extends Pull {
  registry: Registry;
  /** Ends everything that runs for this pull at this place. */
  stop: AbortController;
  close: () => Promise<void>;
}

/** Does the work of a pull, with an unpacker that is ready when isNew says that there will be something to unpack. */
export async function withPull<T>(
  store: Store,
  text: string,
  { platform, verifyKey, progress, abort, isNew = false }: PullOptions & { isNew?: boolean },
  work: (pull: Pull) => Promise<T>,
): Promise<T> {
  const wanted = platform ? parsePlatform(platform) : hostPlatform();
  abort?.throwIfAborted();
  // What is not here yet will be unpacked: the child starts while we and the registry get ready.
  let unpacking = isNew ? openUnpacker(store) : undefined;
  const unpacker = () => {
    unpacking ??= openUnpacker(store);
    return unpacking;
  };
  const say = (event: Progress) => progress?.(event);
  const sessions = new Map<string, Session>();
  try {
    // Who brings new things in makes room first: what a killed pull left goes.
    const [found] = await Promise.all([findSources(text), sweep(store)]);
    if (found.alias !== undefined) {
      say({ kind: 'message', text: `Resolved "${text}" as an alias (${found.alias})` });
    }
    const asked = { platform: wanted, explicit: Boolean(platform), verifyKey };
    return await work({ store, ...asked, say, unpacker, found, abort, sessions });
  } finally {
    unpacking?.close();
    for (const session of sessions.values()) await session.close();
  }
}

/** Does a step at the first place that can. Throws what the last one says, with what the others said. */
export function fromFirst<T>(
  pull: Pull,
  sources: readonly Source[],
  step: (session: Session) => Promise<T>,
): Promise<T> {
  const missed = async (source: Source, why: string) => {
    pull.say({ kind: 'message', text: `The mirror ${why}` });
    await pull.sessions.get(source.location)?.close();
  };
  return atFirst(sources, { abort: pull.abort, missed }, async (source) => step(await openSession(pull, source)));
}

async function openSession(pull: Pull, source: Source): Promise<Session> {
  const open = pull.sessions.get(source.location);
  if (open !== undefined) return open;
  const { abort, sessions } = pull;
  const stop = new AbortController();
  const forward = () => stop.abort(abort?.reason);
  abort?.throwIfAborted();
  abort?.addEventListener('abort', forward, { once: true });
  const registry = await openSource(source, { abort: stop.signal });
  const close = async () => {
    abort?.removeEventListener('abort', forward);
    sessions.delete(source.location);
    await registry.close();
  };
  const session: Session = { ...pull, registry, stop, close };
  sessions.set(source.location, session);
  return session;
}
