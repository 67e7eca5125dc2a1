import { describe, expect, test } from 'vitest';
import {
  boolean,
  bytes,
  decimal,
  duration,
  filter,
  integer,
  type Kind,
  list,
  map,
  swapBytes,
  uint16,
  ulimit,
  unsigned,
} from '#cli/values.ts';

const read = <V>(kind: Kind<V>, ...texts: string[]) =>
  texts.reduce((before, text) => kind.read(text, before), kind.absent);

describe('a value', () => {
  test.each<[Kind<unknown>, string, unknown]>([
    [integer, '10', 10],
    [integer, '-3', -3],
    [integer, '0x1f', 31],
    [integer, '010', 8],
    [integer, '1_000', 1000],
    [unsigned, '7', 7],
    [uint16, '65535', 65535],
    [bytes, '1k', 1024],
    [swapBytes, '-1', -1],
    [decimal, '1.5', 1.5e9],
    [decimal, '.25', 25e7],
    [decimal, '3/2', 1.5e9],
    [decimal, '15e-1', 1.5e9],
    [decimal, '-1', -1e9],
    [boolean, 'T', true],
    [boolean, '0', false],
    [duration, '1m30s', 90e9],
    [filter, 'a=b', ['a=b']],
    [map, 'a=b=c', { a: 'b=c' }],
    [map, 'a', { a: '' }],
    [ulimit, 'nofile=1024:2048', [{ Name: 'nofile', Soft: 1024, Hard: 2048 }]],
    [ulimit, 'core=-1', [{ Name: 'core', Soft: -1, Hard: -1 }]],
  ] as [Kind<unknown>, string, unknown][])('of kind $label: %j is read', (kind, text, value) => {
    expect(read(kind, text)).toEqual(value);
  });

  test.each<[Kind<unknown>, string, string]>([
    [integer, 'x', 'strconv.ParseInt: parsing "x": invalid syntax'],
    [integer, '1.5', 'strconv.ParseInt: parsing "1.5": invalid syntax'],
    [integer, '99999999999999999999', 'strconv.ParseInt: parsing "99999999999999999999": value out of range'],
    [unsigned, '-1', 'strconv.ParseUint: parsing "-1": invalid syntax'],
    [uint16, '65536', 'strconv.ParseUint: parsing "65536": value out of range'],
    [boolean, 'yes', 'strconv.ParseBool: parsing "yes": invalid syntax'],
    [decimal, '1.0000000001', 'value is too precise'],
    [decimal, 'x', 'failed to parse x as a rational number'],
    [filter, 'a', 'bad format of filter (expected name=value)'],
    [ulimit, 'nofile', 'invalid ulimit argument: nofile'],
    [ulimit, 'blue=1', 'invalid ulimit type: blue'],
    [ulimit, 'nofile=2:1', 'ulimit soft limit must be less than or equal to hard limit: 2 > 1'],
  ] as [Kind<unknown>, string, string][])(
    'of kind $label: %j is refused in the words of Docker',
    (kind, text, message) => {
      expect(() => read(kind, text)).toThrow(message);
    },
  );

  test('that repeats keeps its order; of one key or name the later counts', () => {
    expect(read(list, 'a', 'b', 'a')).toEqual(['a', 'b', 'a']);
    expect(read(map, 'a=1', 'b=2', 'a=3')).toEqual({ a: '3', b: '2' });
    expect(read(ulimit, 'nofile=1', 'core=0', 'nofile=5')).toEqual([
      { Name: 'core', Soft: 0, Hard: 0 },
      { Name: 'nofile', Soft: 5, Hard: 5 },
    ]);
  });
});
