/** Files from the web: what import, a build's context and ADD are given an address of. */
import { WherryError } from '#base/error.ts';

export interface DownloadOptions {
  /** Called when it is there, before the first byte. */
  opened?: (headers: Readonly<Record<string, string | string[] | undefined>>) => void;
  abort?: AbortSignal | undefined;
}

/** What is at a web address. Throws kind `unavailable` in Docker's words. */
export async function* download(address: string, { opened, abort }: DownloadOptions = {}): AsyncGenerator<Buffer> {
  const { openHttp } = await import('#oci/http.ts');
  const url = new URL(address);
  const http = await openHttp({ host: url.host, abort });
  try {
    const answer = await http.request(url);
    if (answer.statusCode !== 200) {
      throw new WherryError('unavailable', `failed to GET ${address} with status ${answer.statusCode}`);
    }
    opened?.(answer.headers);
    yield* answer.body as AsyncIterable<Buffer>;
  } finally {
    await http.close();
  }
}
