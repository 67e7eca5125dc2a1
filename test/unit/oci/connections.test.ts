import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { openHttp, readBody } from '#oci/http.ts';
import { type Authority, makeAuthority, type Pair } from '#test/support/certificates.ts';
import { listen } from '#test/support/ports.ts';
import { startProxy, startSocks } from '#test/support/proxy.ts';
import { startRegistry } from '#test/support/registry.ts';
import { temporaryDirectory } from '#test/support/store.ts';

let home = '';
let authority: Authority;
let server: Pair;

beforeEach(() => {
  home = temporaryDirectory();
  authority = makeAuthority(home);
  server = authority.issue('server', ['IP:127.0.0.1', 'DNS:registry.test']);
  vi.stubEnv('HOME', home);
  vi.stubEnv('XDG_CONFIG_HOME', '');
  for (const name of ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY']) {
    vi.stubEnv(name, '');
    vi.stubEnv(name.toLowerCase(), '');
  }
});
afterEach(() => {
  vi.unstubAllEnvs();
});

/** A TLS server; gives its host:port. */
async function startTls(): Promise<string> {
  const tls = createServer(server, (_request, response) => {
    response.end('here');
  });
  const port = await listen(tls);
  onTestFinished(() => {
    tls.closeAllConnections();
    tls.close();
  });
  return `127.0.0.1:${port}`;
}

/** openssl's server, which tells whom it doesn't know so, as registries do; Node's hangs up. */
async function startStrict(): Promise<string> {
  const file = (name: string, text: string) => {
    writeFileSync(join(home, name), text);
    return join(home, name);
  };
  const own = ['-cert', file('tls.pem', server.cert), '-key', file('tls-key.pem', server.key)];
  const clients = ['-CAfile', file('ca.pem', authority.cert), '-Verify', '1', '-verify_return_error'];
  const program = spawn('openssl', ['s_server', '-accept', '127.0.0.1:0', '-www', ...own, ...clients], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  onTestFinished(() => void program.kill());
  return new Promise((resolve, reject) => {
    program.once('exit', reject);
    program.stdout.on('data', (chunk: Buffer) => {
      const [, host] = /^ACCEPT (\S+)$/m.exec(chunk.toString()) ?? [];
      if (host !== undefined) resolve(host);
    });
  });
}

function install(host: string, files: Record<string, string>, program = 'docker'): void {
  const directory = join(home, `.config/${program}/certs.d`, host);
  mkdirSync(directory, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
}

async function ask(url: string, host = new URL(url).host): Promise<string> {
  const http = await openHttp({ host, retryDelay: 1 });
  try {
    return (await readBody(await http.request(new URL(url)), 64 * 1024)).toString();
  } finally {
    await http.close();
  }
}

describe('TLS', () => {
  test('trusts the authority that certs.d has for the registry, and no other', async () => {
    const host = await startTls();
    await expect(ask(`https://${host}/`)).rejects.toThrow(
      `Get "https://${host}/": tls: failed to verify certificate: x509: certificate signed by unknown authority`,
    );
    install('127.0.0.1:1', { 'ca.crt': authority.cert });
    await expect(ask(`https://${host}/`)).rejects.toThrow('certificate signed by unknown authority');
    install(host, { 'ca.crt': authority.cert });
    expect(await ask(`https://${host}/`)).toBe('here');
  });

  test('reads the directory of podman, too', async () => {
    const host = await startTls();
    install(host, { 'ca.crt': authority.cert }, 'containers');
    expect(await ask(`https://${host}/`)).toBe('here');
  });

  test('checks that the certificate is for the name', async () => {
    const host = (await startTls()).replace('127.0.0.1', 'localhost');
    install(host, { 'ca.crt': authority.cert });
    await expect(ask(`https://${host}/`)).rejects.toThrow('tls: failed to verify certificate: x509: ');
  });

  test('shows who we are to a registry that wants to know, with the certificate that it knows', async () => {
    const host = await startStrict();
    install(host, { 'ca.crt': authority.cert });
    await expect(ask(`https://${host}/`)).rejects.toThrow('remote error: tls: certificate required');
    const [me, stranger] = [authority.issue('me'), makeAuthority(home, 'other').issue('stranger')];
    install(host, { 'client.cert': stranger.cert, 'client.key': stranger.key });
    await expect(ask(`https://${host}/`)).rejects.toThrow('remote error: tls: ');
    install(host, { 'client.cert': me.cert, 'client.key': me.key });
    expect(await ask(`https://${host}/`)).toMatch(/Subject: ?CN ?= ?me\b/);
  });

  test.each<[string, () => Record<string, string>, RegExp]>([
    [
      'a certificate without key',
      () => ({ 'c.cert': server.cert }),
      /^missing key .*\/c\.key for client certificate .*\/c\.cert\. CA certificates must use the extension \.crt$/,
    ],
    [
      'a key without certificate',
      () => ({ 'c.key': server.key }),
      /^missing client certificate .*\/c\.cert for key .*\/c\.key$/,
    ],
    [
      'the key of another certificate',
      () => ({ 'c.cert': server.cert, 'c.key': authority.key }),
      /c\.cert with .*c\.key: tls: private key does not match public key$/,
    ],
    ['a key that is none', () => ({ 'c.cert': server.cert, 'c.key': 'x' }), /tls: failed to parse private key$/],
    [
      'an authority that is none',
      () => ({ 'ca.crt': 'x' }),
      /^Cannot use .*\/ca\.crt: it is no certificate in PEM format$/,
    ],
  ])('names %s', async (_, files, message) => {
    const host = await startTls();
    install(host, files());
    await expect(ask(`https://${host}/`)).rejects.toThrow(
      expect.objectContaining({ kind: 'invalid', message: expect.stringMatching(message) }),
    );
  });
});

describe('a proxy', () => {
  test('leads to a registry elsewhere by a tunnel, and never to one on this machine', async () => {
    const [tls, registry] = [await startTls(), await startRegistry()];
    const proxy = await startProxy({ names: { 'registry.test:443': tls } });
    vi.stubEnv('HTTPS_PROXY', `http://${proxy.host}`);
    vi.stubEnv('HTTP_PROXY', `http://${proxy.host}`);
    install('registry.test', { 'ca.crt': authority.cert });
    expect(await ask('https://registry.test/')).toBe('here');
    expect(await ask(`http://${registry.host}/v2/`)).toBe('{}');
    expect(proxy.asked).toEqual(['CONNECT registry.test:443']);
  });

  test('forwards what has no TLS', async () => {
    const registry = await startRegistry();
    const proxy = await startProxy({ names: { 'plain.test:5000': registry.host } });
    vi.stubEnv('http_proxy', proxy.host);
    expect(await ask('http://plain.test:5000/v2/')).toBe('{}');
    expect(proxy.asked).toEqual(['GET http://plain.test:5000/v2/']);
    expect(registry.asked).toHaveLength(1);
  });

  test('gets its name and password, and the registry does not', async () => {
    const tls = await startTls();
    const proxy = await startProxy({ names: { 'registry.test:443': tls }, login: 'me:p@ss' });
    install('registry.test', { 'ca.crt': authority.cert });
    vi.stubEnv('HTTPS_PROXY', `http://me:p%40ss@${proxy.host}`);
    expect(await ask('https://registry.test/')).toBe('here');
    vi.stubEnv('HTTPS_PROXY', `http://me:wrong@${proxy.host}`);
    await expect(ask('https://registry.test/')).rejects.toThrow(
      expect.objectContaining({
        kind: 'unavailable',
        message: 'Get "https://registry.test/": Proxy Authentication Required',
        hint: `Give HTTPS_PROXY as http://name:password@${proxy.host}`,
      }),
    );
    vi.stubEnv('HTTP_PROXY', `http://${proxy.host}`);
    await expect(ask('http://registry.test/')).rejects.toThrow(
      'Get "http://registry.test/": Proxy Authentication Required',
    );
  });

  test('is passed over where NO_PROXY says so, also after a redirect', async () => {
    const storage = await startRegistry();
    const away = await startRegistry();
    storage.misbehave = (_request, response) => {
      response.writeHead(307, { location: 'http://inner.test/v2/' }).end();
      return true;
    };
    const proxy = await startProxy({ names: { 'inner.test:80': away.host } });
    vi.stubEnv('HTTP_PROXY', `http://${proxy.host}`);
    expect(await ask(`http://${storage.host}/v2/`)).toBe('{}');
    expect(proxy.asked).toEqual(['GET http://inner.test/v2/']);
    vi.stubEnv('NO_PROXY', '.test');
    await expect(ask('http://inner.test/v2/')).rejects.toThrow('lookup inner.test');
  });

  test('that is not there, or that knows no way, is named', async () => {
    vi.stubEnv('HTTPS_PROXY', 'http://127.0.0.1:1');
    await expect(ask('https://registry.test/v2/')).rejects.toThrow(
      'Get "https://registry.test/v2/": proxyconnect tcp: dial tcp 127.0.0.1:1: connect: connection refused',
    );
    const proxy = await startProxy({ names: { 'registry.test:443': '127.0.0.1:1' } });
    vi.stubEnv('HTTPS_PROXY', `http://${proxy.host}`);
    await expect(ask('https://registry.test/v2/')).rejects.toThrow(`Bad Gateway (from the proxy ${proxy.host})`);
  });

  test.each(['', 'me:secret@'])('by SOCKS (%s) takes both to where it says', async (login) => {
    const warned = vi.spyOn(process, 'emitWarning');
    const [tls, registry] = [await startTls(), await startRegistry()];
    const [secure, plain] = [await startSocks(tls), await startSocks(registry.host)];
    install('registry.test', { 'ca.crt': authority.cert });
    vi.stubEnv('HTTPS_PROXY', `socks5h://${login}${secure.host}`);
    vi.stubEnv('HTTP_PROXY', `socks5://${login}${plain.host}`);
    expect(await ask('https://registry.test/')).toBe('here');
    expect(await ask('http://registry.test/v2/')).toBe('{}');
    expect([...secure.asked, ...plain.asked]).toEqual(['registry.test:443', 'registry.test:80']);
    expect(warned).not.toHaveBeenCalled();
  });

  test('with TLS of its own is trusted as its certs.d says', async () => {
    const tls = await startTls();
    const plain = await startProxy({ names: { 'registry.test:443': tls } });
    const { connect } = await import('node:net');
    const { createServer: createTls } = await import('node:tls');
    const wrapper = createTls(server, (socket) => {
      const onward = connect(Number(plain.host.split(':')[1]), '127.0.0.1');
      socket.on('error', () => undefined);
      onward.on('error', () => undefined);
      socket.pipe(onward).pipe(socket);
    });
    const port = await listen(wrapper);
    onTestFinished(() => void wrapper.close());
    const host = `127.0.0.1:${port}`;
    install('registry.test', { 'ca.crt': authority.cert });
    install(host, { 'ca.crt': authority.cert });
    vi.stubEnv('HTTPS_PROXY', `https://${host}`);
    expect(await ask('https://registry.test/')).toBe('here');
  });
});
