/** search: what registries have, filtered as Docker does. */
import { WherryError } from '#base/error.ts';
import { asDaemon, parseFilters } from '#base/filter.ts';
import { ellipsis } from '#base/text.ts';
import { search } from '#oci/search.ts';

export interface SearchOptions {
  /** is-official, is-automated and stars. */
  filters?: readonly string[];
  /** 1 to 100. */
  limit?: number | undefined;
  noTrunc?: boolean;
  abort?: AbortSignal;
}

/** Docker's row; IsOfficial is a word for people, see searchRows(). */
export interface SearchRow {
  Name: string;
  Description: string;
  StarCount: string;
  IsOfficial: string;
}

const BOOLEANS = ['true', 'false', '1', '0'];
const DESCRIPTION = 45;
const MOST = 100;
const USUAL = 25;

/**
 * Searches Docker Hub, or the host that the term begins with (`localhost:5000/nginx`).
 * json: IsOfficial is true or false, else [OK] or nothing. Throws Docker's errors.
 */
export async function searchRows(
  term: string,
  { filters: pairs = [], limit = 0, noTrunc = false, abort }: SearchOptions,
  { json }: { json: boolean },
): Promise<SearchRow[]> {
  const filters = asDaemon(() =>
    parseFilters(pairs, { 'is-official': BOOLEANS, 'is-automated': BOOLEANS, stars: undefined }),
  );
  const stars = Math.max(0, ...filters.values('stars').map(readStars));
  if (limit > MOST) throw failed(`limit ${limit} is outside the range of [1, ${MOST}]`);
  const found = await search({ ...splitTerm(term), limit: limit > 0 ? limit : USUAL, abort });
  const official = filters.flag('is-official');
  // There are none any more: the registry's field is always false.
  const kept = filters.flag('is-automated') ? [] : found;
  return kept
    .filter((one) => one.star_count >= stars && (official === undefined || one.is_official === official))
    .map(({ name, description, star_count, is_official }) => ({
      Name: name,
      Description: noTrunc ? description : ellipsis(description, DESCRIPTION),
      StarCount: String(star_count),
      IsOfficial: json ? String(is_official) : is_official ? '[OK]' : '',
    }));
}

/** What the daemon says, with its prefix. */
const failed = (message: string) => new WherryError('unavailable', message);

function readStars(text: string): number {
  if (/^[+-]?[0-9]+$/.test(text)) return Number(text);
  throw failed(`invalid filter 'stars=${text}': strconv.Atoi: parsing "${text}": invalid syntax`);
}

/** The host is what looks like one before the first slash; Docker Hub's `library/` is nothing to search for. */
function splitTerm(text: string): { domain: string; term: string } {
  if (text.includes('://')) {
    throw failed(`invalid repository name: repository name (${text}) should not have a scheme`);
  }
  const slash = text.indexOf('/');
  const first = text.slice(0, Math.max(0, slash));
  const isHost = first === 'localhost' || /[.:]/.test(first);
  const domain = isHost ? first : 'docker.io';
  const rest = isHost ? text.slice(slash + 1) : text;
  const isHub = ['docker.io', 'index.docker.io'].includes(domain);
  return isHub ? { domain: 'docker.io', term: rest.replace(/^library\//, '') } : { domain, term: rest };
}
