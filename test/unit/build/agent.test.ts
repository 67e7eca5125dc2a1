import { once } from 'node:events';
import { renameSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { Duplex, duplexPair } from 'node:stream';
import { expect, test } from 'vitest';
import { serveAgent } from '#build/agent.ts';
import { temporaryDirectory } from '#test/support/store.ts';

const message = (type: number, ...rest: number[]) => Buffer.from([0, 0, 0, 1 + rest.length, type, ...rest]);

/** An agent that answers every request by its own type plus one, and what it was asked. */
function agent(): { stream: Duplex; asked: number[] } {
  const asked: number[] = [];
  const stream = new Duplex({
    read: () => undefined,
    write: (piece: Buffer, _encoding, done) => {
      asked.push(piece[4] ?? 0);
      stream.push(message((piece[4] ?? 0) + 1));
      done();
    },
  });
  return { stream, asked };
}

test('a step may ask for keys and signatures; all else is refused, and the order is kept', async () => {
  const [step, inside] = duplexPair();
  const { stream, asked } = agent();
  const served = serveAgent(inside, stream);
  const all = Buffer.concat([message(11), message(19), message(13, 1, 2), message(17, 5), message(11)]);
  for (const byte of all) step.write(Buffer.from([byte]));
  const wanted = [12, 5, 14, 5, 12].map((type) => message(type));
  let got: Buffer = Buffer.alloc(0);
  step.on('data', (piece: Buffer) => {
    got = Buffer.concat([got, piece]);
    if (got.length === 25) step.end();
  });
  await served;
  expect(got).toEqual(Buffer.concat(wanted));
  expect(asked).toEqual([11, 13, 11]);
});

test('a message that is longer than any is ends the conversation', async () => {
  const [step, inside] = duplexPair();
  const { stream, asked } = agent();
  step.write(Buffer.from([0x7f, 0xff, 0xff, 0xff, 11]));
  await serveAgent(inside, stream);
  expect(asked).toEqual([]);
});

test('an agent that goes while nobody asks it for anything ends the conversation', async () => {
  const [, inside] = duplexPair();
  const { stream } = agent();
  const served = serveAgent(inside, stream);
  stream.destroy();
  await served;
  expect(inside.destroyed).toBe(true);
});

test('an agent that is not there, as an old socket stays behind, is no error of ours', async () => {
  const folder = temporaryDirectory();
  const server = createServer().listen(join(folder, 'socket'));
  await once(server, 'listening');
  renameSync(join(folder, 'socket'), join(folder, 'old'));
  server.close();
  const [, inside] = duplexPair();
  await serveAgent(inside, connect(join(folder, 'old')));
  expect(inside.destroyed).toBe(true);
});
