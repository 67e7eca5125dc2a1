import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { credentialsFor, eraseCredentials, registryKey, storeCredentials } from '#oci/auth.ts';
import { temporaryDirectory } from '#test/support/store.ts';

let directory = '';
let env: NodeJS.ProcessEnv = {};
const path = () => join(directory, 'config.json');
const config = () => JSON.parse(readFileSync(path(), 'utf8'));
const base64 = (text: string) => Buffer.from(text).toString('base64');

beforeEach(() => {
  directory = temporaryDirectory();
  env = { DOCKER_CONFIG: directory };
});
afterEach(() => {
  vi.unstubAllEnvs();
});

/** A credential helper that keeps what it gets in files. */
function installHelper(name: string, script: string): void {
  const bin = join(directory, 'bin');
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, `docker-credential-${name}`), `#!/bin/sh\n${script}\n`);
  chmodSync(join(bin, `docker-credential-${name}`), 0o755);
  vi.stubEnv('PATH', `${bin}:${process.env.PATH}`);
}

test('Docker Hub has a key of its own', () => {
  expect(registryKey('docker.io')).toBe('https://index.docker.io/v1/');
  expect(registryKey('quay.io')).toBe('quay.io');
});

describe('credentials are found', () => {
  test.each([
    ['quay.io', { auths: { 'quay.io': { auth: base64('u:p:q') } } }, { username: 'u', password: 'p:q' }],
    ['quay.io', { auths: { 'https://quay.io/v1/': { auth: base64('u:p') } } }, { username: 'u', password: 'p' }],
    [
      'docker.io',
      { auths: { 'https://index.docker.io/v1/': { auth: base64('u:p') } } },
      { username: 'u', password: 'p' },
    ],
    ['a:1', { auths: { 'a:1': { username: 'u', password: 'p' } } }, { username: 'u', password: 'p' }],
    [
      'a',
      { auths: { a: { auth: base64('u:'), identitytoken: 't' } } },
      { username: 'u', password: '', identityToken: 't' },
    ],
    ['a', { auths: { a: { registrytoken: 't' } } }, { username: '', password: '', registryToken: 't' }],
    ['a', { auths: { b: { auth: base64('u:p') } } }, undefined],
    ['a', { auths: { a: {} } }, undefined],
  ])('for %s in %j', async (domain, content, expected) => {
    writeFileSync(path(), JSON.stringify(content));
    expect(await credentialsFor(domain, { env })).toEqual(expected);
  });

  test('nowhere, when there is no file', async () => {
    expect(await credentialsFor('a', { env })).toBeUndefined();
  });

  test('in $DOCKER_AUTH_CONFIG first', async () => {
    writeFileSync(path(), JSON.stringify({ auths: { a: { auth: base64('file:p') } } }));
    const auths = JSON.stringify({ auths: { a: { auth: base64('env:p') } } });
    expect(await credentialsFor('a', { env: { ...env, DOCKER_AUTH_CONFIG: auths } })).toMatchObject({
      username: 'env',
    });
  });

  test("with the registry's helper, before the helper of all and the file", async () => {
    installHelper('one', 'read key; echo "{\\"Username\\":\\"$1-$key\\",\\"Secret\\":\\"s\\"}"');
    writeFileSync(path(), JSON.stringify({ credHelpers: { a: 'one' }, credsStore: 'absent' }));
    expect(await credentialsFor('a', { env })).toEqual({ username: 'get-a', password: 's' });
  });

  test('as a token, where the helper has one', async () => {
    installHelper('two', 'echo "{\\"Username\\":\\"<token>\\",\\"Secret\\":\\"t\\"}"');
    writeFileSync(path(), JSON.stringify({ credsStore: 'two' }));
    expect(await credentialsFor('a', { env })).toEqual({ username: '', password: '', identityToken: 't' });
  });

  test('not, where the helper has none', async () => {
    installHelper('three', 'echo credentials not found in native keychain; exit 1');
    writeFileSync(path(), JSON.stringify({ credsStore: 'three' }));
    expect(await credentialsFor('a', { env })).toBeUndefined();
  });
});

test('a helper that is missing or breaks is named', async () => {
  writeFileSync(path(), JSON.stringify({ credsStore: 'absent' }));
  await expect(credentialsFor('a', { env })).rejects.toThrow(
    'exec: "docker-credential-absent": executable file not found in $PATH',
  );
  installHelper('bad', 'echo locked; exit 3');
  writeFileSync(path(), JSON.stringify({ credsStore: 'bad' }));
  await expect(credentialsFor('a', { env })).rejects.toThrow(
    'error getting credentials - err: exit status 3, out: `locked`',
  );
});

test.each([
  [{ auths: [] }, '"auths" is not an object'],
  [{ auths: { a: 5 } }, 'Cannot use the credentials for "a": invalid auth configuration file'],
  [{ auths: { a: { auth: 5 } } }, 'Cannot use the credentials for "a": invalid auth configuration file'],
  [
    { auths: { a: { auth: base64('no colon') } } },
    'Cannot use the credentials for "a": invalid auth configuration file',
  ],
])('%j is refused in one line', async (content, message) => {
  writeFileSync(path(), JSON.stringify(content));
  await expect(credentialsFor('a', { env })).rejects.toThrow(
    expect.objectContaining({ message: expect.stringContaining(message) }),
  );
});

test.each([
  ['echo not json', 'Cannot use what docker-credential-odd says: it is not valid JSON'],
  ['echo null', undefined],
  ['echo \'{"Username":"u","Secret":5}\'', 'name and secret are no text'],
  ['echo \'{"Username":"u"}\'', undefined],
  ['echo credentials not found in native keychain >&2; exit 1', undefined],
  ['echo no credentials server URL; exit 1', 'exit status 1, out: `no credentials server URL`'],
])('what a helper says by `%s` is no credential', async (script, message) => {
  installHelper('odd', script);
  writeFileSync(path(), JSON.stringify({ credHelpers: { a: 'odd' } }));
  const asked = credentialsFor('a', { env });
  if (message === undefined) expect(await asked).toBeUndefined();
  else await expect(asked).rejects.toThrow(message);
  expect(await credentialsFor('b', { env })).toBeUndefined();
});

describe("what Docker's files lack is looked for in podman's", () => {
  const write = (name: string, auths: object) => {
    mkdirSync(join(directory, name, '..'), { recursive: true });
    const entries = Object.entries(auths).map(([key, pair]) => [key, { auth: base64(pair) }]);
    writeFileSync(join(directory, name), JSON.stringify({ auths: Object.fromEntries(entries) }));
  };
  const places = () => ({ ...env, HOME: directory, XDG_RUNTIME_DIR: join(directory, 'run'), XDG_CONFIG_HOME: '' });
  const user = async (domain: string, repository = '', more: NodeJS.ProcessEnv = {}) =>
    (await credentialsFor(domain, { env: { ...places(), ...more }, path: repository }))?.username;

  test.each([
    ['a.test', 'x/y/z', { 'a.test/x/y': 'part:p', 'a.test/x': 'more:p', 'a.test': 'all:p' }, 'part'],
    ['a.test', 'x/other', { 'a.test/x/y': 'part:p', 'a.test/x': 'more:p', 'a.test': 'all:p' }, 'more'],
    ['a.test', 'xy', { 'a.test/x': 'more:p', 'a.test': 'all:p' }, 'all'],
    ['a.test:5000', 'x', { 'a.test': 'all:p' }, undefined],
    ['docker.io', 'library/x', { 'docker.io': 'hub:p' }, 'hub'],
    ['docker.io', 'library/x', { 'https://index.docker.io/v1/': 'hub:p' }, 'hub'],
  ])('for %s/%s', async (domain, repository, auths, expected) => {
    write('run/containers/auth.json', auths);
    expect(await user(domain, repository)).toBe(expected);
  });

  test("the session's before the user's, Docker's before both, $REGISTRY_AUTH_FILE instead of both", async () => {
    write('.config/containers/auth.json', { a: 'user:p', b: 'user:p', c: 'user:p' });
    write('run/containers/auth.json', { a: 'session:p', b: 'session:p' });
    write('config.json', { a: 'docker:p' });
    write('named.json', { c: 'named:p' });
    expect([await user('a'), await user('b'), await user('c')]).toEqual(['docker', 'session', 'user']);
    const named = { REGISTRY_AUTH_FILE: join(directory, 'named.json') };
    expect([await user('b', '', named), await user('c', '', named)]).toEqual([undefined, 'named']);
  });

  test('with its helpers', async () => {
    installHelper('pod', 'read key; echo "{\\"Username\\":\\"$key\\",\\"Secret\\":\\"s\\"}"');
    mkdirSync(join(directory, 'run/containers'), { recursive: true });
    writeFileSync(join(directory, 'run/containers/auth.json'), JSON.stringify({ credHelpers: { a: 'pod' } }));
    expect(await user('a', 'x')).toBe('a');
  });
});

test('a damaged file is named, and what to do', async () => {
  writeFileSync(path(), '{');
  await expect(credentialsFor('a', { env })).rejects.toThrow(
    expect.objectContaining({
      kind: 'invalid',
      message: `Cannot read "${path()}": it is not valid JSON`,
      hint: expect.any(String),
    }),
  );
});

test('login writes a file for its owner alone, and keeps what else is in it', async () => {
  writeFileSync(path(), JSON.stringify({ auths: { b: { auth: 'x' } }, plugins: { k: 1 }, HttpHeaders: { a: 'b' } }), {
    mode: 0o644,
  });
  expect(await storeCredentials('a', { username: 'u', password: 'p' }, env)).toBe(path());
  expect(statSync(path()).mode & 0o777).toBe(0o600);
  expect(config()).toEqual({
    auths: { b: { auth: 'x' }, a: { auth: base64('u:p') } },
    plugins: { k: 1 },
    HttpHeaders: { a: 'b' },
  });
  expect(readFileSync(path(), 'utf8')).toContain('\n\t"auths"');
});

test('a token is kept instead of the password', async () => {
  await storeCredentials('a', { username: 'u', password: 'p', identityToken: 't' }, env);
  expect(config().auths.a).toEqual({ auth: base64('u:'), identitytoken: 't' });
});

test('a file behind a link is replaced, the link stays', async () => {
  const elsewhere = join(directory, 'real.json');
  writeFileSync(elsewhere, '{}');
  symlinkSync(elsewhere, path());
  await storeCredentials('a', { username: 'u', password: 'p' }, env);
  expect(JSON.parse(readFileSync(elsewhere, 'utf8')).auths.a).toBeDefined();
});

test('a helper keeps the secret out of the file', async () => {
  const kept = join(directory, 'kept');
  installHelper('keep', `cat > ${kept}.$1`);
  writeFileSync(path(), JSON.stringify({ credsStore: 'keep' }));
  expect(await storeCredentials('a', { username: 'u', password: 'p' }, env)).toBeUndefined();
  expect(JSON.parse(readFileSync(`${kept}.store`, 'utf8'))).toEqual({ ServerURL: 'a', Username: 'u', Secret: 'p' });
  expect(config().auths).toEqual({ a: {} });
  await eraseCredentials('a', env);
  expect(readFileSync(`${kept}.erase`, 'utf8')).toBe('a');
  expect(config().auths).toEqual({});
});

test('logout forgets one registry, however its key was written', async () => {
  writeFileSync(path(), JSON.stringify({ auths: { 'https://a/v1/': { auth: 'x' }, b: { auth: 'y' } } }));
  await eraseCredentials('a', env);
  expect(config().auths).toEqual({ b: { auth: 'y' } });
});

test('logout without a file makes none', async () => {
  await eraseCredentials('a', env);
  expect(existsSync(path())).toBe(false);
});
