import { execFileSync } from 'node:child_process';
import { lstatSync, readdirSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test } from 'vitest';
import { pullAllTags, pullImage } from '#image/pull.ts';
import { parseReference } from '#oci/reference.ts';
import { openRegistry } from '#oci/registry.ts';
import { openStore } from '#store/store.ts';
import { listen } from '#test/support/ports.ts';
import {
  type ImageParts,
  type Misbehaviour,
  refuse,
  sha256,
  startRegistry,
  type TestRegistry,
} from '#test/support/registry.ts';
import { temporaryStore, unprivileged } from '#test/support/store.ts';

/** What can be seen of a store: names, sizes, times of content. */
function find(root: string): string[] {
  const names = readdirSync(root, { recursive: true }).map(String).sort();
  return names.map((name) => {
    const { mode, size, mtimeMs, ino } = lstatSync(join(root, name));
    // Directories in which something was staged have another time.
    return (mode & 0o170000) === 0o040000 ? `${name}/` : `${name} ${mode} ${size} ${mtimeMs} ${ino}`;
  });
}

/** Answers whoever asks for manifests. */
const manifests =
  (answer: (response: ServerResponse, host: string) => void): Misbehaviour =>
  (request, response) => {
    if (request.url?.includes('/manifests/') !== true) return false;
    answer(response, request.headers.host ?? '');
    return true;
  };

const INDEX = 'application/vnd.oci.image.index.v1+json';
const json = (value: object) => Buffer.from(JSON.stringify(value));

/** A lie: what it changes at the registry, and the one line that the user sees. */
type Lie = [string, (server: TestRegistry, image: ImageParts) => void, string, RegExp];

const LIES: Lie[] = [
  [
    'redirects to a file',
    (server) => {
      server.misbehave = manifests((response) => response.writeHead(307, { location: 'file:///etc/passwd' }).end());
    },
    'unavailable',
    /^Get "http:.*": it redirects to what is no web address$/,
  ],
  [
    'redirects to nowhere on this machine',
    (server) => {
      server.misbehave = manifests((response) => response.writeHead(302, { location: 'http://127.0.0.1:1/x' }).end());
    },
    'unavailable',
    /connection refused$/,
  ],
  [
    'compresses a manifest though nobody asked for it',
    (server, image) => {
      const bytes = gzipSync(server.manifests.get('a:1')?.bytes ?? Buffer.alloc(0));
      const headers = { 'content-encoding': 'gzip', 'content-type': image.manifest.mediaType };
      server.misbehave = manifests((response) => response.writeHead(200, headers).end(bytes));
    },
    'corrupt',
    /^Cannot read the manifest of ".*": it is not valid JSON$/,
  ],
  [
    'announces more of a manifest than it sends',
    (server) => {
      server.misbehave = manifests((response) => {
        response.writeHead(200, { 'content-length': 1000 });
        response.write('{', () => response.destroy());
      });
    },
    'unavailable',
    /^Get "http:.*": (?:EOF|unexpected EOF|read: connection reset by peer)$/,
  ],
  [
    'sends nothing at all',
    (server) => {
      server.misbehave = manifests((response) => response.writeHead(200).end());
    },
    'corrupt',
    /it is not valid JSON$/,
  ],
  [
    'says what is meant for the terminal',
    (server) => {
      server.misbehave = manifests((response) =>
        refuse(response, 400, 'BAD\x1b[2J\n', 'look\x1b]0;x\x07 here\r\nand there'),
      );
    },
    'unavailable',
    /^Get "http:.*": bad\?\[2j\?: look\?\]0;x\? here\?$/,
  ],
  [
    'has fewer diff IDs than layers',
    (server, { config }) => replaceConfig(server, { ...JSON.parse(config.toString()), rootfs: { diff_ids: [] } }),
    'corrupt',
    /^layers from manifest don't match image configuration$/,
  ],
  [
    'announces a configuration of a gigabyte',
    (server) => changeManifest(server, ({ config, ...rest }) => ({ ...rest, config: { ...config, size: 2 ** 30 } })),
    'corrupt',
    /^Cannot use the manifest of ".*": its config has 1073741824 bytes, at most 4194304 can be$/,
  ],
  [
    'sends more of a configuration than it announced',
    (server, { config }) => server.blobs.set(sha256(config), Buffer.concat([config, Buffer.alloc(100)])),
    'corrupt',
    /it has [0-9]+ bytes, not [0-9]+$/,
  ],
  [
    'names a layer by what is no digest',
    (server) =>
      changeManifest(server, ({ layers, ...rest }) => ({
        ...rest,
        layers: layers.map((layer) => ({ ...layer, digest: 'sha256:../../../etc/passwd' })),
      })),
    'corrupt',
    /^Cannot use the manifest of ".*": its layer 0 has no valid digest$/,
  ],
  [
    'names a layer by another algorithm',
    (server) =>
      changeManifest(server, ({ layers, ...rest }) => ({
        ...rest,
        layers: layers.map((layer) => ({ ...layer, digest: `sha512:${'a'.repeat(128)}` })),
      })),
    'unsupported',
    /^Cannot use the digest "sha512:a+": only sha256 is supported$/,
  ],
  [
    'sends the middle of a layer for its beginning',
    (server) => {
      server.misbehave = (request, response) => {
        if (request.url?.includes('/blobs/') !== true) return false;
        response.writeHead(206, { 'content-range': 'bytes 7-9/10', 'content-length': 3 }).end('abc');
        return true;
      };
    },
    'corrupt',
    /./,
  ],
  [
    'has an index that leads to itself',
    (server) => {
      // No index can hold its own digest: it has to lie about one of them.
      const digest = sha256(Buffer.from('itself'));
      const bytes = json({ schemaVersion: 2, mediaType: INDEX, manifests: [{ mediaType: INDEX, digest, size: 10 }] });
      server.misbehave = manifests((response) => response.writeHead(200, { 'content-type': INDEX }).end(bytes));
    },
    'corrupt',
    /^manifest verification failed for digest sha256:/,
  ],
  [
    'has indexes in indexes, each a hundred times',
    (server) => {
      let inner = server.addIndex('a:0', []);
      for (let depth = 1; depth <= 6; depth += 1) {
        const entry = { mediaType: INDEX, digest: inner.digest, size: inner.size };
        inner = server.addIndex(
          'a:1',
          Array.from({ length: 100 }, () => entry),
        );
      }
    },
    'corrupt',
    /^Cannot use the manifest of ".*": it leads to more than [0-9]+ others$/,
  ],
];

type Parsed = { config: object; layers: object[] };

/** Changes the manifest of a:1; its digest is that of what it has become. */
function changeManifest(server: TestRegistry, change: (manifest: Parsed) => object): void {
  const { bytes, mediaType } = server.manifests.get('a:1') ?? { bytes: json({}), mediaType: '' };
  server.put('a:1', mediaType, json(change(JSON.parse(bytes.toString()))));
}

function replaceConfig(server: TestRegistry, value: object): void {
  const bytes = json(value);
  server.blobs.set(sha256(bytes), bytes);
  changeManifest(server, ({ config, ...rest }) => ({
    ...rest,
    config: { ...config, digest: sha256(bytes), size: bytes.length },
  }));
}

describe.skipIf(unprivileged)('a registry that', () => {
  test.each(LIES)('%s is told in one line, and the store stays as it is', async (_, lie, kind, message) => {
    const [store, server] = [temporaryStore(), await startRegistry()];
    await server.addImage('honest:1', { layers: [[{ name: 'there', content: 'already' }]] });
    await pullImage(store, `${server.host}/honest:1`);
    const before = find(store.root);
    lie(server, await server.addImage('a:1'));
    const error = await pullImage(store, `${server.host}/a:1`).then(
      () => expect.unreachable('it was believed'),
      (reason: Error) => reason,
    );
    expect(error).toMatchObject({ kind, message: expect.stringMatching(message) });
    expect(error.message).not.toMatch(/\p{Cc}/u);
    expect(find(store.root)).toEqual(before);
    expect(server.asked.length).toBeLessThan(300);
  });

  test.each(['../../v2/other/manifests/1', 'a\nb', 'x'.repeat(200), '', 'a@b'])(
    'lists the tag %j is not followed',
    async (tag) => {
      const [store, server] = [temporaryStore(), await startRegistry()];
      await server.addImage('a:1');
      const before = find(store.root);
      server.misbehave = (request, response) => {
        if (request.url?.endsWith('/tags/list') !== true) return false;
        response.end(JSON.stringify({ name: 'a', tags: ['1', tag] }));
        return true;
      };
      await expect(pullAllTags(store, `${server.host}/a`)).rejects.toThrow(
        expect.objectContaining({
          kind: 'corrupt',
          message: expect.stringMatching(/^[^\p{Cc}]{10,300}: it is no tag$/u),
        }),
      );
      expect(find(store.root)).toEqual(before);
    },
  );

  test.each<[string, (socket: Socket) => void]>([
    ['speaks no HTTP', (socket) => socket.end('220 mail.example ESMTP\r\n')],
    ['never stops its headers', (socket) => endless(socket, 'HTTP/1.1 200 OK\r\n', 'x-more: and more\r\n')],
    ['hangs up', (socket) => socket.destroy()],
    [
      'sends a chunk of a negative length',
      (socket) => socket.end('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n-5\r\nabc\r\n'),
    ],
  ])('%s is told in one line', async (_, speak) => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined).once('data', () => speak(socket));
    });
    const port = await listen(server);
    onTestFinished(() => void server.close());
    const host = `127.0.0.1:${port}`;
    const ask = async () => {
      const registry = await openRegistry(host, { retryDelay: 1 });
      return registry.manifest(parseReference(`${host}/a:1`)).finally(() => registry.close());
    };
    await expect(ask()).rejects.toThrow(
      expect.objectContaining({ kind: 'unavailable', message: expect.stringMatching(/^[^\p{Cc}]{10,300}$/u) }),
    );
  });

  function endless(socket: Socket, start: string, more: string): void {
    const go = () => {
      while (!socket.destroyed && socket.write(more));
    };
    socket.on('drain', go).write(start);
    go();
  }

  test.each<[string, Buffer]>([
    ['is a bomb', Buffer.alloc(64 * 1024 ** 2)],
    [
      'does not fit as it comes',
      Buffer.from(Array.from({ length: 4 * 1024 ** 2 }, () => Math.floor(Math.random() * 256))),
    ],
  ])('has a layer that %s for a small disk is told so', async (_, content) => {
    const [{ host, root }, server] = [temporaryStore(), await startRegistry()];
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=3m,mode=700', 'tmpfs', root], { stdio: 'pipe' });
    } catch {
      return;
    }
    onTestFinished(() => void execFileSync('umount', [root]));
    const store = openStore(host);
    const before = find(store.root);
    await server.addImage('a:1', { layers: [[{ name: 'large', content }]] });
    await expect(pullImage(store, `${server.host}/a:1`)).rejects.toThrow(
      expect.objectContaining({ kind: 'unavailable', message: expect.stringContaining('no space left on the device') }),
    );
    expect(find(store.root)).toEqual(before);
  });
});
