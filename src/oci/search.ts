/** What a registry finds for a word: Docker Hub's and others' search of version 1, else the catalog of the repositories. */
import { WherryError } from '#base/error.ts';
import { readBody } from '#oci/http.ts';
import { MAX_DOCUMENT } from '#oci/manifest.ts';
import type { Registry } from '#oci/registry.ts';
import { isObject } from '#oci/shape.ts';
import { openHost } from '#oci/sources.ts';

/** One line of the answer, in the words of the API. */
export interface SearchResult {
  name: string;
  description: string;
  star_count: number;
  is_official: boolean;
}

interface Search {
  /** host[:port]; docker.io asks Docker Hub. */
  domain: string;
  term: string;
  /** At most so many are asked for. */
  limit: number;
  abort?: AbortSignal | undefined;
}

/** Asks. Throws kind `unavailable` in Docker's words when the registry has no answer, `denied` where it is blocked. */
export async function search({ domain, term, limit, abort }: Search): Promise<SearchResult[]> {
  const registry = await openHost(domain === 'docker.io' ? 'index.docker.io' : domain, { abort });
  try {
    const url = new URL('/v1/search', registry.url);
    url.search = new URLSearchParams({ q: term, n: String(limit) }).toString();
    const answer = await registry.ask(url, '');
    const bytes = await readBody(answer, MAX_DOCUMENT);
    if (answer.statusCode === 200) return readResults(bytes);
    // Registries of today have no search; what they have can be listed.
    const listed = answer.statusCode === 404 ? await catalog(registry, { domain, term, limit }) : undefined;
    if (listed !== undefined) return listed;
    throw new WherryError('unavailable', `Unexpected status code ${answer.statusCode}`);
  } finally {
    await registry.close();
  }
}

function readResults(bytes: Buffer): SearchResult[] {
  const wrong = (why: string) => new WherryError('unavailable', `error decoding registry search results: ${why}`);
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString());
  } catch (error) {
    throw wrong(`it is not valid JSON (${(error as Error).message})`);
  }
  const results = isObject(json) ? (json.results ?? []) : undefined;
  if (!Array.isArray(results)) throw wrong('there is no list of results');
  return results.filter(isObject).map((one) => ({
    name: text(one.name),
    description: text(one.description),
    star_count: typeof one.star_count === 'number' ? one.star_count : 0,
    is_official: one.is_official === true,
  }));
}

/** Of strangers: one line, without what could play with the terminal. */
const text = (value: unknown) => (typeof value === 'string' ? value.replace(/\p{C}+/gu, ' ') : '');

/** A registry with more repositories than these pages hold is not searched to its end. */
const MAX_PAGES = 100;
const PAGE = 1000;

async function catalog(registry: Registry, { domain, term, limit }: Search): Promise<SearchResult[] | undefined> {
  const found: SearchResult[] = [];
  let path: string | undefined = `/v2/_catalog?n=${PAGE}`;
  for (let page = 0; path !== undefined && page < MAX_PAGES && found.length < limit; page += 1) {
    const answer = await registry.ask(new URL(path, registry.url), 'registry:catalog:*');
    const bytes = await readBody(answer, MAX_DOCUMENT);
    if (answer.statusCode !== 200) return undefined;
    const names = repositories(bytes);
    if (names === undefined) return undefined;
    const fitting = names.filter((name) => name.includes(term)).map((name) => `${domain}/${text(name)}`);
    found.push(...fitting.map((name) => ({ name, description: '', star_count: 0, is_official: false })));
    path = registry.nextPage(answer);
  }
  return found.slice(0, limit);
}

function repositories(bytes: Buffer): string[] | undefined {
  try {
    const json: unknown = JSON.parse(bytes.toString());
    const names = isObject(json) ? json.repositories : undefined;
    return Array.isArray(names) ? names.filter((name) => typeof name === 'string') : undefined;
  } catch {
    return undefined;
  }
}
