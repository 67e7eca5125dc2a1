/**
 * Names of images, by the grammar of github.com/distribution/reference, which Docker, containerd and podman share:
 * `[domain[:port]/]path[:tag][@digest]`. A name without a domain is of Docker Hub, a single word of its `library`.
 */
import { WherryError } from '#base/error.ts';

export interface Reference {
  /** docker.io, localhost:5000, [::1]:5000 */
  readonly domain: string;
  /** library/busybox */
  readonly path: string;
  readonly tag?: string;
  readonly digest?: string;
}

const HUB = 'docker.io';
const LIBRARY = 'library/';
const DEFAULT_TAG = 'latest';

const COMPONENT = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])';
const HOST = `(?:${COMPONENT}(?:\\.${COMPONENT})*|\\[(?:[a-fA-F0-9:]+)\\])`;
const PATH_COMPONENT = '[a-z0-9]+(?:(?:[._]|__|[-]+)[a-z0-9]+)*';
const TAG = '[\\w][\\w.-]{0,127}';
const DIGEST = '[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}';
const WHOLE = new RegExp(
  `^(${HOST}(?::[0-9]+)?)/(${PATH_COMPONENT}(?:/${PATH_COMPONENT})*)(?::(${TAG}))?(?:@(${DIGEST}))?$`,
);
const NAME_LIMIT = 255;
const ONLY_TAG = new RegExp(`^${TAG}$`);

/**
 * Reads a name as a user writes it. Tag and digest stay absent where they were not written.
 * Throws kind `invalid` in Docker's words.
 */
export function parseReference(text: string): Reference {
  if (/^[a-f0-9]{64}$/.test(text)) {
    throw invalid(`invalid repository name (${text}), cannot specify 64-byte hexadecimal strings`);
  }
  const [domain, rest] = splitDomain(text);
  const repository = rest.split(':', 1)[0] ?? '';
  if (repository !== repository.toLowerCase()) {
    throw invalid(
      `invalid reference format: repository name (${repository.slice(0, 2 * NAME_LIMIT)}) must be lowercase`,
    );
  }
  const match = WHOLE.exec(`${domain}/${rest}`);
  if (match === null) throw invalid('invalid reference format');
  const [, host = '', path = '', tag, digest] = match;
  if (path.length > NAME_LIMIT) {
    throw invalid(`repository name must not be more than ${NAME_LIMIT} characters`);
  }
  if (digest !== undefined) checkDigest(digest);
  return { domain: host, path, ...(tag === undefined ? {} : { tag }), ...(digest === undefined ? {} : { digest }) };
}

/** Can this be a tag? */
export const isTag = (text: string): boolean => ONLY_TAG.test(text);

function invalid(message: string): WherryError {
  return new WherryError('invalid', message);
}

/** The part before the first slash is a domain when it looks like one: a dot, a port, upper case, or localhost. */
function splitDomain(text: string): [string, string] {
  const slash = text.indexOf('/');
  if (slash < 0) return [HUB, LIBRARY + text];
  const first = text.slice(0, slash);
  const rest = text.slice(slash + 1);
  if (first !== 'localhost' && !/[.:]/.test(first) && first.toLowerCase() === first) return [HUB, text];
  if (first !== HUB && first !== 'index.docker.io') return [first, rest];
  return [HUB, rest.includes('/') ? rest : LIBRARY + rest];
}

/** Hex digits that the algorithms of opencontainers/go-digest have. */
const DIGITS: Record<string, number> = { sha256: 64, sha384: 96, sha512: 128 };

function checkDigest(digest: string): void {
  const at = digest.indexOf(':');
  const digits = DIGITS[digest.slice(0, at)];
  if (digits === undefined) throw invalid('unsupported digest algorithm');
  const hex = digest.slice(at + 1);
  if (hex.length !== digits) throw invalid('invalid checksum digest length');
  if (hex !== hex.toLowerCase()) throw invalid('invalid checksum digest format');
}

/** The name without tag and digest, complete: docker.io/library/busybox. */
export function repositoryOf({ domain, path }: Reference): string {
  return `${domain}/${path}`;
}

/** The name without tag and digest, as people write it: busybox. */
export function familiarName({ domain, path }: Reference): string {
  if (domain !== HUB) return `${domain}/${path}`;
  const short = path.startsWith(LIBRARY) ? path.slice(LIBRARY.length) : path;
  // docker.io/library/a/b is not a/b, and what would be read as a domain keeps its own.
  return short.includes('/') && short !== path ? path : short;
}

const suffix = ({ tag, digest }: Reference) =>
  (tag === undefined ? '' : `:${tag}`) + (digest === undefined ? '' : `@${digest}`);

/** Complete and unique: docker.io/library/busybox:latest, or …@sha256:…; what the store's index holds. */
export function canonical(reference: Reference): string {
  return repositoryOf(reference) + suffix(reference);
}

/** As people write it: busybox:latest. */
export function familiar(reference: Reference): string {
  return familiarName(reference) + suffix(reference);
}

/** With the default tag where neither tag nor digest was written. */
export function withDefaultTag(reference: Reference): Reference {
  if (reference.tag !== undefined || reference.digest !== undefined) return reference;
  return { ...reference, tag: DEFAULT_TAG };
}

/** What names exactly one thing: a digest makes the tag beside it void, no tag means `latest`. */
export function nameOnly(reference: Reference): Reference {
  const { domain, path, digest } = reference;
  return digest === undefined ? withDefaultTag(reference) : { domain, path, digest };
}
