import { expect, test } from 'vitest';
import { controlFrame, FRAME, frameHeader, frameReader } from '#container/frames.ts';

function read(bytes: Buffer, size: number): string[] {
  const heard: string[] = [];
  let current = '';
  const take = frameReader({
    data: (kind, part) => {
      current += `${kind}:${part.toString()} `;
    },
    control: (text) => heard.push(`(${text})`),
  });
  for (let at = 0; at < bytes.length; at += size) take(bytes.subarray(at, at + size));
  return [...heard, current.replace(/ \d:/g, '').trim()];
}

const stream = Buffer.concat([
  controlFrame('attached'),
  frameHeader(FRAME.stdout, 5),
  Buffer.from('hello'),
  frameHeader(FRAME.stdout, 0),
  controlFrame('exit 3 0'),
]);

test.each([1, 3, 7, 8, 9, 1000])('frames are read from chunks of %i bytes', (size) => {
  expect(read(stream, size)).toEqual(['(attached)', '(exit 3 0)', '1:hello']);
});

test('a header holds the kind and the length in the order of the network', () => {
  expect([...frameHeader(2, 0x01020304)]).toEqual([2, 0, 0, 0, 1, 2, 3, 4]);
});
