/**
 * Challenges and tokens (distribution-spec; docker's registry token protocol; RFC 9110 section 11.6): what a registry
 * asks for with 401, and what it is given.
 */
import { WherryError } from '#base/error.ts';
import type { Credentials } from '#oci/auth.ts';
import { type Http, readBody, shown } from '#oci/http.ts';

export interface Challenge {
  /** Lower case. */
  scheme: string;
  /** realm, service, scope, error …; names in lower case. */
  parameters: Record<string, string>;
}

/** Reads WWW-Authenticate: several challenges, quoted strings with commas and escapes in them. */
export function parseChallenges(header: string | string[] | undefined): Challenge[] {
  const text = Array.isArray(header) ? header.join(', ') : (header ?? '');
  const challenges: Challenge[] = [];
  // A scheme is a word that no `=` follows; a parameter is name=token or name="string".
  const part = /([\w!#$%&'*+.^`|~-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))|([\w!#$%&'*+.^`|~-]+)(?=\s|,|$)/g;
  for (const [, name, quoted, token, scheme] of text.matchAll(part)) {
    if (scheme !== undefined) challenges.push({ scheme: scheme.toLowerCase(), parameters: {} });
    const current = challenges.at(-1);
    if (name === undefined || current === undefined) continue;
    current.parameters[name.toLowerCase()] = quoted?.replace(/\\(.)/g, '$1') ?? token ?? '';
  }
  return challenges;
}

export interface TokenRequest {
  challenge: Challenge;
  /** repository:library/busybox:pull, several with spaces between; undefined asks for nothing but a proof of who the user is. */
  scope: string | undefined;
  credentials: Credentials | undefined;
  /** The registry itself: secrets never leave TLS when it has it. */
  registry: URL;
  /** Login: also ask for a token that can be kept instead of the password. */
  offline?: boolean;
}

export interface Token {
  token: string;
  /** Kept instead of the password where the registry gives one. */
  refreshToken: string | undefined;
}

const CLIENT = 'docker';
const MAX_ANSWER = 1024 * 1024;

/** Gets a bearer token; without credentials an anonymous one. Throws kind `denied` when they are wrong. */
export async function fetchToken(http: Http, request: TokenRequest): Promise<Token> {
  const url = realm(request);
  const { identityToken } = request.credentials ?? {};
  const answer = identityToken === undefined ? await byGet(http, url, request) : await byPost(http, url, request);
  const bytes = await readBody(answer, MAX_ANSWER);
  if (answer.statusCode === 401 || answer.statusCode === 403) {
    throw new WherryError(
      'denied',
      `Get "${shown(url)}": unauthorized: ${reason(bytes) ?? 'incorrect username or password'}`,
    );
  }
  if (answer.statusCode !== 200) {
    const why = reason(bytes) ?? `unexpected status ${answer.statusCode}`;
    throw new WherryError('unavailable', `Get "${shown(url)}": ${why}`, { hint: 'Try again later' });
  }
  return readToken(bytes, url);
}

function realm({ challenge, registry, credentials }: TokenRequest): URL {
  const { realm: text = '' } = challenge.parameters;
  const url = URL.canParse(text, registry.href) ? new URL(text, registry) : undefined;
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:') {
    throw new WherryError('unavailable', `Cannot log in to "${registry.host}": its realm "${text}" is no web address`);
  }
  if (url.protocol === 'http:' && registry.protocol === 'https:' && credentials !== undefined) {
    throw new WherryError('denied', `Cannot log in to "${registry.host}": it asks for the password over plain HTTP`);
  }
  return url;
}

function byGet(http: Http, realmUrl: URL, { challenge, scope, credentials, offline }: TokenRequest) {
  const url = new URL(realmUrl);
  const { service } = challenge.parameters;
  if (service) url.searchParams.set('service', service);
  for (const one of scope?.split(' ') ?? []) url.searchParams.append('scope', one);
  if (offline) {
    url.searchParams.set('offline_token', 'true');
    url.searchParams.set('client_id', CLIENT);
  }
  if (!credentials?.username) return http.request(url);
  url.searchParams.set('account', credentials.username);
  return http.request(url, { headers: { authorization: basic(credentials) } });
}

/** The OAuth way (docker's token/oauth.md): a kept token instead of name and password. */
function byPost(http: Http, url: URL, { challenge, scope, credentials }: TokenRequest) {
  const form = new URLSearchParams({
    grant_type: 'refresh_token',
    refresh_token: credentials?.identityToken ?? '',
    service: challenge.parameters.service ?? '',
    client_id: CLIENT,
    ...(scope === undefined ? {} : { scope }),
  });
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  return http.request(url, { method: 'POST', headers, body: form.toString() });
}

/** RFC 7617. */
export function basic({ username, password }: Credentials): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

function readToken(bytes: Buffer, url: URL): Token {
  let json: { token?: unknown; access_token?: unknown; refresh_token?: unknown } | null = null;
  try {
    json = JSON.parse(bytes.toString());
  } catch {
    // What is no JSON has no token either.
  }
  const token = json?.token || json?.access_token;
  if (typeof token !== 'string') {
    throw new WherryError(
      'unavailable',
      `Get "${shown(url)}": authorization server did not include a token in the response`,
    );
  }
  return { token, refreshToken: typeof json?.refresh_token === 'string' ? json.refresh_token : undefined };
}

/** What a token server says: {details}, {error_description}, or the registry's own {errors}. */
function reason(bytes: Buffer): string | undefined {
  try {
    const json = JSON.parse(bytes.toString());
    const text = json.details ?? json.error_description ?? json.errors?.[0]?.message ?? json.error;
    return typeof text === 'string' && text !== '' ? text.split('\n', 1)[0] : undefined;
  } catch {
    return undefined;
  }
}
