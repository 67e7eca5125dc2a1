/** A real registry for the end-to-end tests: Debian's docker-registry on a free port of loopback, filled by skopeo. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ImageSource, writeLayout } from '#test/support/image.ts';
import { freePort } from '#test/support/ports.ts';

/** Who may use a private registry. */
export const LOGIN = { user: 'tester', password: 'secret' };
/** The same, as htpasswd(1) writes it with bcrypt. */
const HTPASSWD = 'tester:$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a\n';

export interface Distribution {
  /** host:port, as references begin. */
  readonly host: string;
  /** Puts an image there under `name:tag`, and gives its whole reference. */
  push(name: string, image: Omit<ImageSource, 'reference'>): Promise<string>;
  close(): Promise<void>;
}

const installed = (program: string) => {
  try {
    execFileSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

/** Why there can be no registry here; undefined where there can. */
export const noDistribution =
  ['docker-registry', 'skopeo'].filter((program) => !installed(program)).join(', ') || undefined;

export interface DistributionOptions {
  /** It wants LOGIN (basic authentication). */
  isPrivate?: boolean;
  /** PEM: with TLS, and only for whom this authority knows. Nothing can be pushed to it here. */
  tls?: { cert: string; key: string; clients: string };
}

/** Starts a registry. */
export async function startDistribution({ isPrivate = false, tls }: DistributionOptions = {}): Promise<Distribution> {
  const directory = mkdtempSync(join(tmpdir(), 'wherry-registry-'));
  const host = `127.0.0.1:${await freePort()}`;
  let auth = '';
  if (isPrivate) {
    writeFileSync(join(directory, 'htpasswd'), HTPASSWD);
    auth = `auth: {htpasswd: {realm: tests, path: ${directory}/htpasswd}}
`;
  }
  const config = join(directory, 'config.yml');
  writeFileSync(
    config,
    `version: 0.1
log: {level: error, accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: ${directory}/data}, delete: {enabled: true}}
http: {addr: "${host}"${tls === undefined ? '' : tlsSettings(directory, tls)}}
${auth}`,
  );
  const server = spawn('docker-registry', ['serve', config], { stdio: 'ignore' });
  await answering(server, host);
  return {
    host,
    push: async (name, image) => {
      const layout = join(directory, 'layout');
      await writeLayout(layout, [{ ...image, reference: 'image' }]);
      const credentials = isPrivate ? ['--dest-creds', `${LOGIN.user}:${LOGIN.password}`] : [];
      const options = ['--insecure-policy', '--dest-tls-verify=false', ...credentials];
      execFileSync('skopeo', ['copy', '-q', ...options, `oci:${layout}:image`, `docker://${host}/${name}`]);
      return `${host}/${name}`;
    },
    close: async () => {
      server.kill();
      await once(server, 'exit');
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function tlsSettings(directory: string, files: NonNullable<DistributionOptions['tls']>): string {
  const path = (name: keyof typeof files) => {
    writeFileSync(join(directory, `${name}.pem`), files[name]);
    return join(directory, `${name}.pem`);
  };
  return `, tls: {certificate: ${path('cert')}, key: ${path('key')}, clientcas: [${path('clients')}]}`;
}

async function answering(server: ChildProcess, host: string): Promise<void> {
  for (;;) {
    if (server.exitCode !== null) throw new Error(`docker-registry ended with ${server.exitCode}`);
    try {
      // Any answer will do: one with TLS says what it thinks of this.
      await fetch(`http://${host}/v2/`);
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
