import { mkdirSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type HostsInput, hostAddress, hostsFile, type ResolvInput, resolvConf } from '#network/files.ts';
import { DNS_ADDRESS } from '#network/outside.ts';
import { temporaryDirectory } from '#test/support/store.ts';

/** A host's root with these files. */
function host(files: Record<string, string>): string {
  const root = temporaryDirectory();
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

const LOCAL = `127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::\tip6-localnet
ff00::\tip6-mcastprefix
ff02::1\tip6-allnodes
ff02::2\tip6-allrouters
`;

describe('hostsFile()', () => {
  const web: HostsInput = {
    mode: 'own',
    hostname: 'web',
    domainname: '',
    addresses: ['172.17.0.2/16'],
    extraHosts: null,
  };
  const hostRoot = () => host({ 'etc/hosts': '127.0.0.1 localhost vm\n' });

  test.each<[string, HostsInput, string]>([
    ['the name of the host', web, '172.17.0.2\tweb\n'],
    ['a domain of its own', { ...web, domainname: 'x.y' }, '172.17.0.2\tweb.x.y web\n'],
    ['a domain in the host name', { ...web, hostname: 'a.b.c' }, '172.17.0.2\ta.b.c a\n'],
    ['extra hosts first', { ...web, extraHosts: ['a:1.2.3.4', 'd:::1'] }, '1.2.3.4\ta\n::1\td\n172.17.0.2\tweb\n'],
    [
      'extra hosts alone without a network',
      { ...web, mode: 'none', addresses: [], extraHosts: ['a:1.2.3.4'] },
      '1.2.3.4\ta\n',
    ],
    ['nothing more without a network', { ...web, mode: 'none', addresses: [] }, ''],
    [
      'extra hosts on the network of the host',
      { ...web, mode: 'host', addresses: [], extraHosts: ['a:1.2.3.4'] },
      '1.2.3.4\ta\n',
    ],
  ])('has %s after what every container has', (_, input, expected) => {
    expect(hostsFile(input, hostRoot())).toBe(LOCAL + expected);
  });

  test("is the host's file on the host's network", () => {
    expect(hostsFile({ ...web, mode: 'host', addresses: [] }, hostRoot())).toBe('127.0.0.1 localhost vm\n');
  });

  test('has the host by two names where there is a way to it, unless the user has them elsewhere', () => {
    const reaching = { ...web, reachesHost: true };
    const of = (input: HostsInput) => hostsFile(input).slice(LOCAL.length);
    expect(of(reaching)).toBe(`${hostAddress()}\thost.containers.internal host.docker.internal\n172.17.0.2\tweb\n`);
    const given = { ...reaching, extraHosts: ['host.docker.internal:10.0.0.1'] };
    expect(of(given)).toBe(
      `${hostAddress()}\thost.containers.internal\n10.0.0.1\thost.docker.internal\n172.17.0.2\tweb\n`,
    );
  });

  test('has linked containers before its own addresses', () => {
    const links = [{ address: '172.17.0.9', names: ['db', 'abc', 'postgres'] }];
    expect(hostsFile({ ...web, links }).slice(LOCAL.length)).toBe('172.17.0.9\tdb abc postgres\n172.17.0.2\tweb\n');
  });

  test('puts an address of the host for host-gateway', () => {
    expect(hostsFile({ ...web, extraHosts: ['gate:host-gateway'] })).toContain(`\n${hostAddress()}\tgate\n`);
    expect(isIP(hostAddress())).toBe(4);
  });
});

describe('resolvConf()', () => {
  const plain: ResolvInput = { mode: 'own', dns: [], search: [], options: [] };
  const from = (text: string, input: Partial<ResolvInput> = {}) =>
    resolvConf({ ...plain, ...input }, host({ 'etc/resolv.conf': text }));

  test("has the host's servers, domains, options and what else is there, without comments", () => {
    const text =
      '# by hand\n; too\ndomain old\nsearch a.b c.d\nnameserver 10.0.0.1\noptions ndots:2\noptions edns0\nsortlist 1.2.3.4\n';
    expect(from(text)).toBe('nameserver 10.0.0.1\nsearch a.b c.d\noptions ndots:2 edns0\nsortlist 1.2.3.4\n');
  });

  test.each([
    [{ dns: ['8.8.8.8', '1.1.1.1'] }, 'nameserver 8.8.8.8\nnameserver 1.1.1.1\nsearch a\noptions x\n'],
    [{ search: ['foo.bar', 'b'] }, 'nameserver 10.0.0.1\nsearch foo.bar b\noptions x\n'],
    [{ search: ['.'] }, 'nameserver 10.0.0.1\noptions x\n'],
    [{ options: ['ndots:2', 'rotate'] }, 'nameserver 10.0.0.1\nsearch a\noptions ndots:2 rotate\n'],
    [{ dns: ['127.0.0.1'] }, 'nameserver 127.0.0.1\nsearch a\noptions x\n'],
  ])('is overridden by %j', (input, expected) => {
    expect(from('nameserver 10.0.0.1\nsearch a\noptions x\n', input)).toBe(expected);
  });

  test.each([
    ['a resolver on the loopback', 'nameserver 127.0.0.1\n', [DNS_ADDRESS]],
    [
      'one on the loopback, others behind',
      'nameserver 127.0.0.1\nnameserver 10.0.0.1\nnameserver 127.0.1.1\n',
      [DNS_ADDRESS, '10.0.0.1'],
    ],
    ['one of IPv6 beside', 'nameserver fd00::1\nnameserver 10.0.0.1\n', ['10.0.0.1']],
    ['IPv6 only', 'nameserver fd00::1\n', ['8.8.8.8', '8.8.4.4']],
    ['nothing', '', ['8.8.8.8', '8.8.4.4']],
    ['nonsense', 'nameserver\nnameserver x\n', ['8.8.8.8', '8.8.4.4']],
  ])('where the host has %s', (_, text, expected) => {
    expect(from(text)).toBe(expected.map((address) => `nameserver ${address}\n`).join(''));
  });

  test('keeps the servers of the host as they are on its own network', () => {
    expect(from('nameserver 127.0.0.53\nnameserver ::1\n', { mode: 'host' })).toBe(
      'nameserver 127.0.0.53\nnameserver ::1\n',
    );
  });

  test("asks systemd-resolved's stub, which follows the host's networks, and takes none of the stub's settings", () => {
    const stub = { 'etc/resolv.conf': 'nameserver 127.0.0.53\noptions edns0\nsearch .\n' };
    const behind = { ...stub, 'run/systemd/resolve/resolv.conf': 'nameserver 192.168.1.1\nsearch lan\n' };
    expect(resolvConf(plain, host(behind))).toBe(`nameserver ${DNS_ADDRESS}\nsearch lan\n`);
    expect(resolvConf(plain, host(stub))).toMatch(`nameserver ${DNS_ADDRESS}\n`);
  });

  test('works on a host without the file', () => {
    expect(resolvConf(plain, host({}))).toBe('nameserver 8.8.8.8\nnameserver 8.8.4.4\n');
  });
});

describe('resolvConf() on a network with names', () => {
  const input: ResolvInput = { mode: 'own', dns: [], search: [], options: [], own: ['10.1.0.1', 'fd00::1'] };
  const from = (text: string, change: Partial<ResolvInput> = {}) =>
    resolvConf({ ...input, ...change }, host({ 'etc/resolv.conf': text }));

  test("asks the network's server first for a name as it is, and keeps the host's domains", () => {
    expect(from('nameserver 9.9.9.9\nsearch a.b\noptions edns0 ndots:5\n')).toBe(
      'nameserver 10.1.0.1\nnameserver fd00::1\nsearch a.b\noptions edns0 ndots:0\n',
    );
  });

  test('asks it also where there are servers of the container: it asks those', () => {
    expect(from('', { dns: ['1.2.3.4'], options: ['ndots:3'] })).toBe(
      'nameserver 10.1.0.1\nnameserver fd00::1\noptions ndots:3\n',
    );
  });
});
