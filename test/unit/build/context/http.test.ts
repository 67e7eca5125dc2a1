import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fetchFile } from '#build/context/http.ts';
import { listen } from '#test/support/ports.ts';

const folder = mkdtempSync(join(tmpdir(), 'wherry-http-'));
const CHANGED = 'Thu, 09 Jul 1998 16:00:00 GMT';
const ANSWERS: Record<string, RequestListener> = {
  '/a%20b.txt': (_, answer) => answer.setHeader('last-modified', CHANGED).end('hello\n'),
  '/x?y=1': (_, answer) => answer.end('x'),
  '/moved': (_, answer) => answer.writeHead(302, { location: '/a%20b.txt' }).end(),
  '/cut': (_, answer) => answer.writeHead(200, { 'content-length': 9 }).write('abc', () => answer.destroy()),
  '/door': (asked, answer) => answer.end(asked.headers.authorization ?? 'nobody'),
  '/to-door': (_, answer) => answer.writeHead(302, { location: '/door' }).end(),
  '/to-other-door': (asked, answer) =>
    answer.writeHead(302, { location: `http://localhost:${asked.socket.localPort}/door` }).end(),
  '/gone': (_, answer) => answer.writeHead(404).end(),
};
const server = createServer((asked, answer) => ANSWERS[asked.url ?? '']?.(asked, answer));
let host = '';
beforeAll(async () => {
  host = `http://127.0.0.1:${await listen(server)}`;
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

let count = 0;
async function fetched(path: string) {
  count += 1;
  const at = join(folder, String(count));
  return { ...(await fetchFile(host + path, at)), at };
}

test('a file has the time and the name that the server has for it', async () => {
  const { at, name, digest } = await fetched('/a%20b.txt');
  expect(name).toBe('a b.txt');
  expect(digest).toBe('sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03');
  expect(statSync(at).mtimeMs).toBe(Date.parse(CHANGED));
  expect(statSync((await fetched('/x?y=1')).at).mtimeMs).toBe(0);
});

test('an address that leads elsewhere is followed', async () => {
  expect(readFileSync((await fetched('/moved')).at, 'utf8')).toBe('hello\n');
});

test.each([
  ['/gone', 'failed to load cache key: invalid response status 404'],
  ['/cut', 'unexpected EOF'],
])('what does not come whole leaves no file: %s', async (path, words) => {
  await expect(fetched(path)).rejects.toThrow(words);
  expect(existsSync(join(folder, String(count)))).toBe(false);
});

test('what is no address is said to be none, and leaves no file', async () => {
  const at = join(folder, 'none');
  await expect(fetchFile('http://exa mple/x', at)).rejects.toThrow(
    'failed to load cache key: parse "http://exa mple/x": invalid character " " in host name',
  );
  expect(existsSync(at)).toBe(false);
});

test.each([
  ['u:p%40q@', '/door', 'Basic dTpwQHE='],
  ['token@', '/door', 'Basic dG9rZW46'],
  ['u:p@', '/to-door', 'Basic dTpw'],
  ['u:p@', '/to-other-door', 'nobody'],
  ['', '/door', 'nobody'],
])('a name and a password in the address open the door, and no other host’s: %s%s', async (credentials, path, said) => {
  const at = join(folder, `door-${said}-${path.slice(1)}`);
  await fetchFile(host.replace('://', `://${credentials}`) + path, at);
  expect(readFileSync(at, 'utf8')).toBe(said);
});
