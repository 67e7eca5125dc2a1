/** Files from the web: what import, a build's context and ADD are given an address of. */
import { WherryError } from '#base/error.ts';
import { given } from '#base/given.ts';
import { credentialsOf, parseWebAddress } from '#base/web-address.ts';
import { networkError } from '#oci/network-error.ts';

export interface DownloadOptions {
  /** Called when it is there, before the first byte. */
  opened?: (headers: Readonly<Record<string, string | string[] | undefined>>) => void;
  abort?: AbortSignal | undefined;
  /** Another message than import's for another status than 200. */
  worded?: (status: number, address: string) => string;
}

const asImport = (status: number, address: string) => `failed to GET ${address} with status ${status}`;

/**
 * What is at a web address, by the name and password in it. Throws kind `unavailable` in Docker's words, also where it ends
 * before its end, and `invalid` for what is no address.
 */
export async function* download(
  address: string,
  { opened, abort, worded = asImport }: DownloadOptions = {},
): AsyncGenerator<Buffer> {
  const [{ openHttp }, { basic }] = await Promise.all([import('#oci/http.ts'), import('#oci/token.ts')]);
  const url = parseWebAddress(address);
  const credentials = credentialsOf(url);
  const http = await openHttp({ host: url.host, abort });
  try {
    const answer = await http.request(url, {
      headers: credentials === undefined ? {} : { authorization: basic(credentials) },
    });
    if (answer.statusCode !== 200) throw new WherryError('unavailable', worded(answer.statusCode, address));
    opened?.(answer.headers);
    yield* whole(answer.body as AsyncIterable<Buffer>, url, abort);
  } finally {
    await http.close();
  }
}

async function* whole(body: AsyncIterable<Buffer>, url: URL, abort: AbortSignal | undefined): AsyncGenerator<Buffer> {
  try {
    yield* body;
  } catch (error) {
    if (abort?.aborted) throw error;
    const { message, hint } = networkError(error, 'GET', url);
    const text = message.replace(/: EOF$/, ': unexpected EOF');
    throw new WherryError('unavailable', text, { ...given({ hint }), cause: error });
  }
}
