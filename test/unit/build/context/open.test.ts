import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ContextWords, openContexts } from '#build/context/open.ts';
import type { BuildEvent } from '#build/event.ts';
import { openStore, type Store } from '#store/store.ts';
import { listen } from '#test/support/ports.ts';

const folder = mkdtempSync(join(tmpdir(), 'wherry-context-'));
const at = (name: string) => join(folder, name);
let store: Store;
let server: Server;
let web: string;

beforeAll(async () => {
  mkdirSync(at('store'));
  store = openStore({ root: at('store'), runtime: at('run'), namespace: 'single' } as never);
  mkdirSync(at('context/sub'), { recursive: true });
  writeFileSync(at('context/Dockerfile'), 'FROM a\n');
  writeFileSync(at('context/sub/other'), 'FROM b\n');
  writeFileSync(at('context/.dockerignore'), 'x\n');
  mkdirSync(at('small'));
  writeFileSync(at('small/dockerfile'), 'FROM small\n');
  mkdirSync(at('evil'));
  symlinkSync('/etc/passwd', at('evil/Dockerfile'));
  execFileSync('tar', ['-C', at('context'), '-czf', at('context.tgz'), '.']);
  execFileSync('tar', ['-C', at('evil'), '-cf', at('evil.tar'), '.']);
  server = createServer((request, response) => {
    const name = (request.url ?? '').slice(1);
    if (readdirSync(folder).includes(name)) response.end(readFileSync(at(name)));
    else response.writeHead(404).end();
  });
  web = `http://127.0.0.1:${await listen(server)}`;
  writeFileSync(at('plain'), 'FROM web\n');
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

const bytes = (content: string | Buffer) => Readable.from([Buffer.from(content)]);

function open(words: Partial<ContextWords>, events: BuildEvent[] = []) {
  const all = { context: at('context'), file: '', named: {}, stdin: bytes(''), ...words };
  return openContexts(store, all, { report: (event) => events.push(event) });
}

describe('the Dockerfile', () => {
  test.each([
    ['of the context', {}, 'FROM a\n'],
    ['that is named', { file: at('context/sub/other') }, 'FROM b\n'],
    ['in small letters', { context: at('small') }, 'FROM small\n'],
    ['from standard input', { file: '-', stdin: bytes('FROM in\n') }, 'FROM in\n'],
    ['alone on standard input', { context: '-', stdin: bytes('FROM in\n') }, 'FROM in\n'],
    ['as text', { inline: 'FROM text\n' }, 'FROM text\n'],
  ])('%s', async (_what, words, text) => {
    using opened = await open(words);
    expect(opened.dockerfile.text).toBe(text);
  });

  test('from the web, with a context of one file', async () => {
    using opened = await open({ context: `${web}/plain` });
    expect(opened.dockerfile.text).toBe('FROM web\n');
  });

  test('of an archive from the web does not lead out of it', async () => {
    await expect(open({ context: `${web}/evil.tar` })).rejects.toThrow('open passwd: no such file or directory');
  });

  test.each([
    [{ context: '/none' }, 'unable to prepare context: path "/none" not found'],
    [{ file: at('none') }, 'failed to read dockerfile: open'],
    [{ file: at('context/sub') }, 'is a directory'],
    [{ context: '-', file: '-' }, "can't use stdin for both build context and dockerfile"],
    [{ context: '-', file: 'x', stdin: bytes('FROM a') }, 'ambiguous Dockerfile source'],
  ])('%j is refused', async (words, why) => {
    await expect(open(words)).rejects.toThrow(why);
  });

  test('that the server does not have is named', async () => {
    await expect(open({ context: `${web}/nothing` })).rejects.toThrow(
      'failed to read downloaded context: failed to load cache key: invalid response status 404',
    );
  });
});

describe('a context', () => {
  test('that is a directory stays where it is, with what it leaves out', async () => {
    using opened = await open({});
    expect(opened.contexts['']).toEqual({
      kind: 'directory',
      path: at('context'),
      ignore: { name: '.dockerignore', text: 'x\n' },
    });
  });

  test('is left out by the Dockerfile’s own file first', async () => {
    writeFileSync(at('context/sub/other.dockerignore'), 'y\n');
    using opened = await open({ file: at('context/sub/other') });
    expect(opened.contexts['']).toMatchObject({ ignore: { name: 'other.dockerignore', text: 'y\n' } });
    rmSync(at('context/sub/other.dockerignore'));
  });

  test.each([
    ['on standard input', () => ({ context: '-', stdin: bytes(readFileSync(at('context.tgz'))) })],
    ['from the web', () => ({ context: `${web}/context.tgz` })],
  ])('that is an archive %s is unpacked, and goes in the end', async (_what, words) => {
    const opened = await open(words());
    const { path } = opened.contexts[''] as { path: string };
    expect(opened.dockerfile.text).toBe('FROM a\n');
    expect(readdirSync(path).sort()).toEqual(['.dockerignore', 'Dockerfile', 'sub']);
    opened[Symbol.dispose]();
    expect(readdirSync(store.path('tmp'))).toEqual([]);
  });

  test('that is named may be a directory, an image or a layout', async () => {
    mkdirSync(at('layout'));
    const digest = `sha256:${'a'.repeat(64)}`;
    const annotations = { 'org.opencontainers.image.ref.name': 'v1' };
    writeFileSync(
      at('layout/index.json'),
      JSON.stringify({ manifests: [{ digest: 'sha256:b' }, { digest, annotations }] }),
    );
    const named = { a: at('small'), b: 'docker-image://busybox', c: `oci-layout://${at('layout')}:v1` };
    using opened = await open({ named });
    expect(opened.contexts).toMatchObject({
      a: { kind: 'directory', path: at('small') },
      b: { kind: 'image', reference: 'busybox' },
      c: { kind: 'layout', path: at('layout'), digest },
    });
    await expect(open({ named: { x: '/none' } })).rejects.toThrow('failed to get build context x: stat /none');
    await expect(open({ named: { x: at('plain') } })).rejects.toThrow('not a directory');
    await expect(open({ named: { x: `oci-layout://${at('layout')}:v2` } })).rejects.toThrow('could not find "v2"');
  });

  test('is told of as it is opened', async () => {
    const events: BuildEvent[] = [];
    using _opened = await open({}, events);
    expect(events.filter((event) => event.kind === 'vertex').map((event) => event.name)).toEqual([
      ...Array(2).fill('[internal] load build definition from Dockerfile'),
      ...Array(2).fill('[internal] load .dockerignore'),
    ]);
  });
});
