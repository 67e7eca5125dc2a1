import { writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { archive } from '#test/support/archive.ts';
import { listen } from '#test/support/ports.ts';
import { testUser } from '#test/support/user.ts';
import { wherry } from '#test/support/wherry.ts';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';

/** By the name of the image: what the registry answers to whoever wants its manifest. */
const LIES: Record<string, (response: ServerResponse) => void> = {
  garbage: (response) => void response.end('\x1b[2J<html>'),
  redirect: (response) => void response.writeHead(307, { location: 'file:///etc/passwd' }).end(),
  path: (response) => {
    const layer = { mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: 'sha256:../../../x', size: 1 };
    const config = { mediaType: 'application/vnd.oci.image.config.v1+json', digest: layer.digest, size: 1 };
    response.end(JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST, config, layers: [layer] }));
  },
  endless: (response) => {
    const more = () => {
      while (!response.destroyed && response.write(Buffer.alloc(65536, ' ')));
    };
    response.on('drain', more);
    more();
  },
  refusal: (response) => {
    const errors = [{ code: 'DENIED', message: 'no\x1b[2J\nentry' }];
    response.writeHead(403).end(JSON.stringify({ errors }));
  },
};

let host = '';
const server = createServer((request, response) => {
  const [, name = ''] = /^\/v2\/([a-z]+)\/manifests\//.exec(request.url ?? '') ?? [];
  response.setHeader('content-type', MANIFEST);
  if (LIES[name] === undefined) response.end('{}');
  else LIES[name](response);
});

beforeAll(async () => {
  host = `127.0.0.1:${await listen(server)}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

/** All files of the store, with their sizes and times. */
async function find(): Promise<string> {
  const store = join(testUser().home, '.local/share/wherry');
  const { stdout } = await testUser().run('find', [store, '!', '-type', 'd', '-printf', '%P %s %T@\n']);
  return stdout.split('\n').sort().join('\n');
}

/** One line, and a hint; nothing for the terminal, no stack. */
function expectOneLine(stderr: string): void {
  const lines = stderr
    .trimEnd()
    .split('\n')
    .filter((line) => line !== '' && !/^hint: |^Run '|^Unable to find image|^1: Pulling from /.test(line));
  expect(lines).toHaveLength(1);
  expect(stderr).not.toMatch(/[^\P{Cc}\n]|\n\s+at |internal error/u);
}

describe('a registry that lies', () => {
  test.each(Object.keys(LIES))(
    '(%s) ends pull with 1 and run with 125, in one line, and the store is as before',
    async (name) => {
      // The first command that looks at networks writes the default one down.
      await wherry(['network', 'inspect', 'bridge']);
      const before = await find();
      const pull = await wherry(['pull', `${host}/${name}:1`]);
      expect(pull.status).toBe(1);
      expectOneLine(pull.stderr);
      const run = await wherry(['run', '--rm', `${host}/${name}:1`]);
      expect(run.status).toBe(125);
      expectOneLine(run.stderr);
      expect(await find()).toBe(before);
    },
  );
});

test.each<[string, Buffer]>([
  ['of nothing but zeros', Buffer.alloc(10_240)],
  ['with a size that is no number', archive({ name: 'index.json', content: '{}' }).fill(0x81, 124, 125)],
  ['with a manifest of another kind', archive({ name: 'manifest.json', content: '[null]' })],
  ['with a platform of another kind', archive({ name: 'index.json', content: badPlatform() })],
])('load of an archive %s ends with 1, in one line, and the store is as before', async (_, bytes) => {
  const file = join(testUser().home, 'hostile.tar');
  writeFileSync(file, bytes, { mode: 0o644 });
  const before = await find();
  for (const input of [undefined, bytes]) {
    const done = await wherry(
      ['load', ...(input === undefined ? ['-i', file] : [])],
      input === undefined ? {} : { input },
    );
    expect(done.status).toBe(1);
    expectOneLine(done.stderr);
  }
  expect(await find()).toBe(before);
});

function badPlatform(): string {
  const manifests = [{ mediaType: MANIFEST, digest: `sha256:${'a'.repeat(64)}`, size: 1, platform: 7 }];
  return JSON.stringify({ schemaVersion: 2, manifests });
}
