/** login and logout: credentials are proved at the registry before they are kept. */
import { configPath } from '#base/docker-paths.ts';
import { WherryError } from '#base/error.ts';
import { type Credentials, eraseCredentials, registryKey, storeCredentials } from '#oci/auth.ts';
import { openHost } from '#oci/sources.ts';

export interface Login {
  username: string;
  password: string;
}

/** What a user calls a registry, as the key of config.json: without scheme and path; Docker Hub's own key without a server. */
export function serverKey(server: string | undefined): string {
  if (!server) return registryKey('docker.io');
  const host = server.replace(/^https?:\/\//, '').split('/', 1)[0] ?? '';
  return registryKey(host);
}

/**
 * Proves the credentials and keeps them.
 * @returns the file that they are in as good as readable, undefined where a credential helper has them
 * Throws kind `denied` when the registry refuses them, `unavailable` when it can't be reached.
 */
export async function login(
  server: string | undefined,
  { username, password }: Login,
  { abort }: { abort?: AbortSignal } = {},
): Promise<{ file: string | undefined }> {
  const key = serverKey(server);
  const domain = key === registryKey('docker.io') ? 'docker.io' : key;
  const registry = await openHost(domain, { credentials: { username, password }, abort });
  let identityToken: string | undefined;
  try {
    identityToken = await registry.login();
  } finally {
    await registry.close();
  }
  const kept: Credentials = { username, password, ...(identityToken === undefined ? {} : { identityToken }) };
  return { file: (await keep(key, kept)) === undefined ? undefined : configPath(process.env) };
}

async function keep(key: string, credentials: Credentials): Promise<string | undefined> {
  try {
    return await storeCredentials(key, credentials);
  } catch (error) {
    if (!(error instanceof WherryError)) throw error;
    const hint = error.hint === undefined ? {} : { hint: error.hint };
    throw new WherryError(error.kind, `Error saving credentials: ${error.message}`, { ...hint, cause: error });
  }
}

/** Forgets the credentials for a registry; none to forget is fine. */
export async function logout(server: string | undefined): Promise<void> {
  await eraseCredentials(serverKey(server));
}
