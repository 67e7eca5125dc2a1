/** Whom a registry's TLS certificate may come from, and who we are. */
import { readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { hasCode, WherryError } from '#base/error.ts';

export interface Trust {
  ca: string[];
  /** Certificates for ourselves, each with the key at the same place. */
  cert?: string[];
  key?: string[];
}

/**
 * The system's authorities, as every other program on the machine has them (Node's own list where there are none), and
 * what certs.d has for this registry (dockerd's, containers-certs.d(5)): *.crt authorities, *.cert and *.key pairs to
 * show who we are. Throws kind `invalid`, in Docker's words, for halves of pairs and for what can't be used.
 */
export function trust(host: string, env: NodeJS.ProcessEnv = process.env): Trust {
  const own = files(host, env);
  const authorities = own.filter((path) => path.endsWith('.crt')).map(readCertificate);
  const ca = [...system(), ...authorities];
  for (const path of own.filter((one) => one.endsWith('.key'))) {
    const cert = path.replace(/\.key$/, '.cert');
    if (!own.includes(cert)) throw new WherryError('invalid', `missing client certificate ${cert} for key ${path}`);
  }
  const certificates = own.filter((path) => path.endsWith('.cert'));
  if (certificates.length === 0) return { ca };
  const pairs = certificates.map((path) => readPair(path, own));
  return { ca, cert: pairs.map(({ cert }) => cert), key: pairs.map(({ key }) => key) };
}

function readPair(path: string, own: readonly string[]): { cert: string; key: string } {
  const keyPath = path.replace(/\.cert$/, '.key');
  if (!own.includes(keyPath)) {
    throw new WherryError(
      'invalid',
      `missing key ${keyPath} for client certificate ${path}. CA certificates must use the extension .crt`,
    );
  }
  const [cert, key] = [readCertificate(path), read(keyPath)];
  try {
    process.getBuiltinModule('node:tls').createSecureContext({ cert, key });
  } catch (cause) {
    const mismatch = hasCode(cause, 'ERR_OSSL_X509_KEY_VALUES_MISMATCH', 'ERR_OSSL_X509_KEY_TYPE_MISMATCH');
    const why = mismatch ? 'tls: private key does not match public key' : 'tls: failed to parse private key';
    throw new WherryError('invalid', `Cannot use the client certificate ${path} with ${keyPath}: ${why}`, { cause });
  }
  return { cert, key };
}

function readCertificate(path: string): string {
  const text = read(path);
  if (text.includes('-----BEGIN CERTIFICATE-----') || text.includes('-----BEGIN TRUSTED CERTIFICATE-----')) return text;
  throw new WherryError('invalid', `Cannot use ${path}: it is no certificate in PEM format`);
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    if (!hasCode(cause, 'EACCES', 'EISDIR', 'ENOENT')) throw cause;
    const why = hasCode(cause, 'EACCES') ? 'permission denied' : 'it is no file';
    throw new WherryError('invalid', `Cannot read ${path}: ${why}`, { cause });
  }
}

function system(): string[] {
  const { getCACertificates } = process.getBuiltinModule('node:tls');
  const installed = getCACertificates('system');
  return [...(installed.length > 0 ? installed : getCACertificates('bundled')), ...getCACertificates('extra')];
}

/** The user's own directory comes before the machine's, as with rootless Docker, and Docker's before podman's; one counts. */
function files(host: string, env: NodeJS.ProcessEnv): string[] {
  const home = env.HOME ?? homedir();
  const config = env.XDG_CONFIG_HOME?.startsWith('/') ? env.XDG_CONFIG_HOME : join(home, '.config');
  for (const base of [config, '/etc'].flatMap((one) => [
    join(one, 'docker/certs.d'),
    join(one, 'containers/certs.d'),
  ])) {
    const directory = join(base, host);
    try {
      return readdirSync(directory)
        .map((name) => join(directory, name))
        .sort();
    } catch (error) {
      if (!hasCode(error, 'ENOENT', 'ENOTDIR', 'EACCES')) throw error;
    }
  }
  return [];
}
