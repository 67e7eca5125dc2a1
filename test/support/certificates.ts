/** Authorities and certificates, made by openssl for a test. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Pair {
  /** PEM. */
  cert: string;
  key: string;
}

export interface Authority extends Pair {
  /** A certificate for names (`IP:127.0.0.1`, `DNS:a.test`), or for a client where there are none. */
  issue(name: string, alternatives?: readonly string[]): Pair;
}

/** Makes an authority whose files lie in `directory`. */
export function makeAuthority(directory: string, name = 'authority'): Authority {
  const path = (file: string) => join(directory, `${name}-${file}`);
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'ignore' });
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const pair = (base: string) => ({
    cert: readFileSync(`${base}.pem`, 'utf8'),
    key: readFileSync(`${base}-key.pem`, 'utf8'),
  });
  const root = path('root');
  openssl(
    'req',
    '-x509',
    ...curve,
    '-keyout',
    `${root}-key.pem`,
    '-out',
    `${root}.pem`,
    '-subj',
    `/CN=${name}`,
    '-days',
    '2',
  );
  return {
    ...pair(root),
    issue: (who, alternatives = []) => {
      const base = path(who);
      openssl('req', ...curve, '-keyout', `${base}-key.pem`, '-out', `${base}.csr`, '-subj', `/CN=${who}`);
      const extensions =
        alternatives.length > 0 ? `subjectAltName=${alternatives.join(',')}` : 'extendedKeyUsage=clientAuth';
      writeFileSync(`${base}.ext`, `${extensions}\n`);
      const signer = ['-CA', `${root}.pem`, '-CAkey', `${root}-key.pem`, '-CAcreateserial', '-extfile', `${base}.ext`];
      openssl('x509', '-req', '-in', `${base}.csr`, ...signer, '-out', `${base}.pem`, '-days', '2');
      return pair(base);
    },
  };
}
