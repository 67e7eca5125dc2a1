import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { gitAuthorization, settleGrants } from '#build/grants.ts';
import type { BuildSecret, BuildSsh } from '#build/request.ts';

const folder = mkdtempSync(join(tmpdir(), 'wherry-grants-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

describe('secrets', () => {
  const settled = (secrets: BuildSecret[], environment = {}) => settleGrants({ secrets, ssh: [] }, environment).secrets;
  const one = file('one', '1');

  test('one without a source is the variable of its name, or else the file', () => {
    expect(settled([{ id: 'TOKEN' }], { TOKEN: 'x' })).toEqual([{ id: 'TOKEN', env: 'TOKEN' }]);
    expect(settled([{ id: one }])).toEqual([{ id: one, file: one }]);
    expect(() => settled([{ id: '/no/such' }])).toThrow(
      'failed to stat /no/such: stat /no/such: no such file or directory',
    );
  });

  test('a variable comes before a file, and a later one before an earlier one', () => {
    expect(settled([{ id: 'a', file: one, env: 'HOME' }])).toEqual([{ id: 'a', env: 'HOME' }]);
    expect(
      settled([
        { id: 'a', env: 'A' },
        { id: 'a', env: 'B' },
      ]),
    ).toEqual([{ id: 'a', env: 'B' }]);
  });

  test('one without an id, and one that is too large, are refused', () => {
    expect(() => settled([{ id: '', file: one }])).toThrow('secret missing ID');
    const large = file('large', 'x'.repeat(500 * 1024 + 1));
    expect(() => settled([{ id: 'a', file: large }])).toThrow('secret a too big. max size 500KiB');
  });
});

describe('agents', () => {
  const settled = (ssh: BuildSsh[], environment = {}) => settleGrants({ secrets: [], ssh }, environment).ssh;
  const key = (cipher: string) => {
    const head = Buffer.concat([
      Buffer.from('openssh-key-v1\0\0\0\0'),
      Buffer.from([cipher.length]),
      Buffer.from(cipher),
    ]);
    return `-----BEGIN OPENSSH PRIVATE KEY-----\n${head.toString('base64')}\n-----END OPENSSH PRIVATE KEY-----\n`;
  };
  const open = file('open', key('none'));
  const refused = (paths: string[]) => expect(() => settled([{ id: 'a', paths }]));

  test('one without a path is the user’s, called default where it has no name', () => {
    expect(settled([{ id: '', paths: [''] }], { SSH_AUTH_SOCK: open })).toEqual([{ id: 'default', paths: [open] }]);
    expect(() => settled([{ id: 'x', paths: [] }])).toThrow(
      'failed to convert agent config {x [] false}: invalid empty ssh agent socket: make sure SSH_AUTH_SOCK is set',
    );
  });

  test('keys are files without a passphrase', () => {
    const about = (why: string) => `failed to convert agent config for ID: "a": ${why}`;
    expect(settled([{ id: 'a', paths: [open, open] }])).toEqual([{ id: 'a', paths: [open, open] }]);
    const [junk, locked] = [file('junk', 'x'), file('locked', key('aes256-ctr'))];
    const old = file(
      'old',
      '-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAA\n-----END RSA PRIVATE KEY-----',
    );
    refused([junk]).toThrow(about(`failed to parse ${junk}: ssh: no key found`));
    for (const path of [locked, old]) {
      refused([path]).toThrow(about(`failed to parse ${path}: ssh: this private key is passphrase protected`));
    }
    refused(['/no/such']).toThrow(about('stat /no/such: no such file or directory'));
    refused([folder]).toThrow(about(`failed to read ${folder}: read ${folder}: is a directory`));
  });

  test('there is one socket, or there are keys, and each name once', async () => {
    const socket = join(folder, 'agent');
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    try {
      refused([socket, open]).toThrow('only single socket allowed');
      refused([open, socket]).toThrow('invalid combination of keys and sockets');
      expect(settled([{ id: 'a', paths: [socket] }])).toHaveLength(1);
      expect(() =>
        settled([
          { id: 'a', paths: [open] },
          { id: 'a', paths: [open] },
        ]),
      ).toThrow('duplicate agent ID "a"');
    } finally {
      server.close();
    }
  });
});

test('a git repository’s secret is that of its host, a header before a token', () => {
  const secrets = [
    { id: 'GIT_AUTH_TOKEN', env: 'ANY' },
    { id: 'GIT_AUTH_TOKEN.example.com', env: 'OWN' },
  ];
  const found = (remote: string, more: BuildSecret[] = []) =>
    gitAuthorization(remote, [...secrets, ...more], { ANY: 'any', OWN: 'own', HEAD: 'Bearer x' });
  const basic = (token: string) => `basic ${Buffer.from(`x-access-token:${token}`).toString('base64')}`;
  expect(found('https://example.com/r.git')).toBe(basic('own'));
  expect(found('https://example.org/r.git')).toBe(basic('any'));
  expect(found('https://example.org/r.git', [{ id: 'GIT_AUTH_HEADER', env: 'HEAD' }])).toBe('Bearer x');
  expect(found('git@example.com:r.git')).toBeUndefined();
});
