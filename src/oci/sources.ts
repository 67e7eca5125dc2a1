/** Registries as the user's registries.conf has them: the one way in which the nouns open one. */
import { restated, WherryError } from '#base/error.ts';
import { credentialsFor } from '#oci/auth.ts';
import { parseReference, type Reference } from '#oci/reference.ts';
import { hostRule, pullSources, pushTarget, resolveAlias, type Source } from '#oci/registries.ts';
import { loadRegistries } from '#oci/registries-conf.ts';
import { openRegistry, type Registry, type RegistryOptions } from '#oci/registry.ts';

type OpenOptions = Pick<RegistryOptions, 'abort' | 'retryDelay'>;

/** Where a repository's images are pulled from. */
export interface Found {
  /** The file with the alias that the name stands for something else by. */
  alias: string | undefined;
  /** What a name of this repository stands for: itself, but for an alias. */
  origin: (reference: Reference) => Reference;
  /** The places to ask by the name as it is here, in this order; at least one. Throws kind `denied` for what is blocked. */
  sources: (reference: Reference) => Source[];
}

/** Looks a name as the user wrote it up in registries.conf. Throws kind `invalid` for no name, and for malformed files. */
export async function findSources(text: string): Promise<Found> {
  parseReference(text);
  const registries = await loadRegistries();
  const alias = resolveAlias(registries, text);
  if (alias === undefined) {
    return { alias: undefined, origin: (asked) => asked, sources: (asked) => pullSources(registries, asked) };
  }
  const { domain, path } = alias.reference;
  const origin = (asked: Reference) => ({ ...asked, domain, path });
  const through = (source: Source): Source => ({ ...source, at: (asked) => source.at(origin(asked)) });
  return { alias: alias.file, origin, sources: (asked) => pullSources(registries, origin(asked)).map(through) };
}

/** Opens one of the places that findSources() gave, with the user's credentials for it. Throws kind `denied` where it is blocked. */
export async function openSource(source: Source, options: OpenOptions = {}): Promise<Registry> {
  const { domain, insecure, at, path, blocked } = source;
  if (blocked !== undefined) throw blocked;
  return openRegistry(domain, { ...options, ...(await usersCredentials(domain, path)), insecure, at });
}

/** Whose helper is missing or broken goes on without, as with Docker: most images are for everybody. The others' errors say why. */
async function usersCredentials(
  domain: string,
  path: string,
): Promise<Pick<RegistryOptions, 'credentials' | 'noCredentials'>> {
  try {
    return { credentials: await credentialsFor(domain, { path }) };
  } catch (error) {
    if (error instanceof WherryError) return { noCredentials: error.message };
    throw error;
  }
}

/**
 * Opens the registry that a name is pushed to: never a mirror, but where registries.conf has moved it. The registry is then
 * asked by the name as it is here. Throws kind `denied` where the registry is blocked.
 */
export async function openTarget(
  reference: Reference,
  { insecure = false, ...options }: OpenOptions & Pick<RegistryOptions, 'insecure'> = {},
): Promise<Registry> {
  const target = pushTarget(await loadRegistries(), reference);
  return openSource({ ...target, insecure: target.insecure || insecure }, options);
}

/** Opens a registry as such, with the given credentials or the user's (login, search). Throws kind `denied` where it is blocked. */
export async function openHost(domain: string, options: RegistryOptions = {}): Promise<Registry> {
  const { insecure } = hostRule(await loadRegistries(), domain);
  const found = options.credentials === undefined ? await usersCredentials(domain, '') : {};
  return openRegistry(domain, { ...options, ...found, insecure });
}

/** May another place have what this one could not give? */
function isPlaceToBlame(error: unknown): boolean {
  return error instanceof WherryError && ['not-found', 'denied', 'unavailable', 'corrupt'].includes(error.kind);
}

export interface PlacesOptions {
  abort?: AbortSignal | undefined;
  /** Hears of each place that could not, before the next one is asked: `mirror.test/hub failed: …` */
  missed?: (source: Source, why: string) => Promise<void>;
}

/** Does a step at the first place that can. Throws what the last one says, with what the others said. */
export async function atFirst<T>(
  sources: readonly Source[],
  { abort, missed }: PlacesOptions,
  step: (source: Source) => Promise<T>,
): Promise<T> {
  const failed: string[] = [];
  for (const [at, source] of sources.entries()) {
    try {
      return await step(source);
    } catch (error) {
      abort?.throwIfAborted();
      if (at === sources.length - 1 || !isPlaceToBlame(error)) throw withMirrors(error, failed);
      const name = source.location.split(' ', 1)[0];
      failed.push(`${name}: ${(error as Error).message}`);
      await missed?.(source, `${name} failed: ${(error as Error).message}`);
    }
  }
  throw new TypeError('no place to ask');
}

function withMirrors(error: unknown, failed: readonly string[]): unknown {
  if (!(error instanceof WherryError) || failed.length === 0) return error;
  return restated(error, { message: `${error.message} (the mirrors failed too: ${failed.join('; ')})` });
}
