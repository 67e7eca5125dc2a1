/** Whom a registry's TLS certificate may come from. */
import { readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { hasCode } from '#base/error.ts';

export interface Trust {
  ca: string[];
  cert?: string;
  key?: string;
}

/**
 * The system's authorities, as every other program on the machine has them (Node's own list where there are none), and
 * what Docker's certs.d has for this registry: *.crt authorities, a *.cert and *.key pair to show who we are.
 */
export function trust(host: string, env: NodeJS.ProcessEnv = process.env): Trust {
  const own = files(host, env);
  const read = (path: string) => readFileSync(path, 'utf8');
  const ca = [...system(), ...own.filter((path) => path.endsWith('.crt')).map(read)];
  const cert = own.find((path) => path.endsWith('.cert'));
  const key = own.find((path) => path === cert?.replace(/\.cert$/, '.key'));
  return cert === undefined || key === undefined ? { ca } : { ca, cert: read(cert), key: read(key) };
}

function system(): string[] {
  const { getCACertificates } = process.getBuiltinModule('node:tls');
  const installed = getCACertificates('system');
  return [...(installed.length > 0 ? installed : getCACertificates('bundled')), ...getCACertificates('extra')];
}

/** The user's own directory comes before the machine's, as with rootless Docker. */
function files(host: string, env: NodeJS.ProcessEnv): string[] {
  const home = env.HOME ?? homedir();
  const config = env.XDG_CONFIG_HOME?.startsWith('/') ? env.XDG_CONFIG_HOME : join(home, '.config');
  for (const base of [join(config, 'docker/certs.d'), '/etc/docker/certs.d']) {
    const directory = join(base, host);
    try {
      return readdirSync(directory).map((name) => join(directory, name));
    } catch (error) {
      if (!hasCode(error, 'ENOENT', 'ENOTDIR', 'EACCES')) throw error;
    }
  }
  return [];
}
