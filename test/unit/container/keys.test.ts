import { describe, expect, test } from 'vitest';
import { keyFilter, parseKeys } from '#container/keys.ts';

describe('parseKeys()', () => {
  test.each([
    ['', [16, 17]],
    ['ctrl-p,ctrl-q', [16, 17]],
    ['a', [97]],
    ['a,b', [97, 98]],
    ['ctrl-@', [0]],
    ['ctrl-\\,ctrl-]', [28, 29]],
    ['DEL', [127]],
  ])('reads %j', (text, bytes) => {
    expect([...parseKeys(text)]).toEqual(bytes);
  });

  test.each(['foo', 'ctrl-1', 'ctrl-A', 'ctrl-a,', 'é'])('refuses %j', (text) => {
    expect(() => parseKeys(text)).toThrow(`Invalid escape keys (${text}) provided`);
  });
});

describe('keyFilter()', () => {
  const type = (keys: string, ...chunks: string[]) => {
    const filter = keyFilter(Buffer.from(keys));
    let passed = '';
    for (const chunk of chunks) {
      const { data, detached } = filter(Buffer.from(chunk));
      passed += data.toString();
      if (detached) return `${passed}!`;
    }
    return passed;
  };

  test.each([
    ['passes what has nothing to do with the keys', ['hello'], 'hello'],
    ['leaves at the keys', ['PQ'], '!'],
    ['leaves at keys that come one by one', ['xP', 'Qy'], 'x!'],
    ['holds the first key back until the second is known', ['P'], ''],
    ['gives the first key on when another follows', ['P', 'x'], 'Px'],
    ['sees the keys after a false start', ['PPQ'], 'P!'],
  ])('%s', (_what, chunks, expected) => {
    expect(type('PQ', ...chunks)).toBe(expected);
  });

  test('does not copy a chunk without any of the keys', () => {
    const chunk = Buffer.from('data');
    expect(keyFilter(Buffer.from('PQ'))(chunk).data).toBe(chunk);
  });
});
