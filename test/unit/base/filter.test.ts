import { describe, expect, test } from 'vitest';
import { parseFilters } from '#base/filter.ts';

const ACCEPTED = {
  name: undefined,
  label: undefined,
  id: undefined,
  dangling: undefined,
  status: ['running', 'exited'],
};

describe('parseFilters()', () => {
  test('takes names in any case, and no space around names and values', () => {
    expect(parseFilters([' Name = web '], ACCEPTED).values('name')).toEqual(['web']);
  });

  test('takes several values of one name as "any of"', () => {
    const filters = parseFilters(['name=web', 'name=db'], ACCEPTED);
    expect(filters.exact('name', 'db')).toBe(true);
    expect(filters.exact('name', 'cache')).toBe(false);
  });

  test.each([
    ['foo=bar', "invalid filter 'foo'"],
    ['status=blue', "invalid filter 'status=[blue]'"],
    ['name', 'bad format of filter (expected name=value)'],
  ])('refuses %s in the words of Docker', (pair, message) => {
    expect(() => parseFilters([pair], ACCEPTED)).toThrow(message);
  });

  test('matches everything where nothing was asked for', () => {
    const none = parseFilters([], ACCEPTED);
    expect([
      none.exact('name', 'x'),
      none.prefix('id', 'x'),
      none.pattern('name', 'x'),
      none.labels('label', {}),
    ]).toEqual([true, true, true, true]);
    expect(none.flag('dangling')).toBeUndefined();
  });

  test('finds a part of a name, and a regular expression in it', () => {
    expect(parseFilters(['name=eb'], ACCEPTED).pattern('name', 'web')).toBe(true);
    expect(parseFilters(['name=^eb'], ACCEPTED).pattern('name', 'web')).toBe(false);
    expect(parseFilters(['name=('], ACCEPTED).pattern('name', 'web')).toBe(false);
  });

  test.each([
    [['label=a'], { a: '1' }, true],
    [['label=a=1'], { a: '1' }, true],
    [['label=a=2'], { a: '1' }, false],
    [['label=a', 'label=b'], { a: '1' }, false],
    [['label=toString'], {}, false],
  ])('labels %j of %j: %s', (pairs, labels, matches) => {
    expect(parseFilters(pairs, ACCEPTED).labels('label', labels as Record<string, string>)).toBe(matches);
  });

  test.each([
    [['dangling=true'], true],
    [['dangling=1'], true],
    [['dangling=false'], false],
  ])('flag() reads %j', (pairs, value) => {
    expect(parseFilters(pairs, ACCEPTED).flag('dangling')).toBe(value);
  });

  test('flag() refuses what is neither and what is both', () => {
    expect(() => parseFilters(['dangling=foo'], ACCEPTED).flag('dangling')).toThrow("invalid filter 'dangling=[foo]'");
    expect(() => parseFilters(['dangling=1', 'dangling=0'], ACCEPTED).flag('dangling')).toThrow('invalid filter');
  });
});
