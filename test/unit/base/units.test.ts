import { describe, expect, test } from 'vitest';
import {
  ago,
  bytesSize,
  formatDuration,
  humanDuration,
  humanSize,
  localTime,
  parseBool,
  parseBytes,
  parseDuration,
  parseTimestamp,
} from '#base/units.ts';

describe('sizes', () => {
  test.each([
    [0, '0B'],
    [999, '999B'],
    [1000, '1kB'],
    [1980000, '1.98MB'],
    [13312, '13.3kB'],
    [1e9, '1GB'],
    [999700, '1e+03kB'],
    [4.5e15, '4.5PB'],
  ])('humanSize(%d) is %s, three digits of a power of 1000', (bytes, text) => {
    expect(humanSize(bytes)).toBe(text);
  });

  test('humanSize() has four digits where progress wants them', () => {
    expect(humanSize(31_374_123, 4)).toBe('31.37MB');
  });

  test.each([
    [0, '0B'],
    [1023, '1023B'],
    [1024, '1KiB'],
    [25276510208, '23.54GiB'],
    [1.5 * 1024 ** 2, '1.5MiB'],
  ])('bytesSize(%d) is %s', (bytes, text) => {
    expect(bytesSize(bytes)).toBe(text);
  });

  test.each([
    ['1024', 1024],
    ['512m', 512 * 1024 ** 2],
    ['512M', 512 * 1024 ** 2],
    ['1.5GiB', 1.5 * 1024 ** 3],
    ['1 gb', 1024 ** 3],
    ['10b', 10],
    ['0', 0],
    ['.5k', 512],
    ['1e3', 1000],
    ['2t', 2 * 1024 ** 4],
  ])('parseBytes(%j) is %d', (text, bytes) => {
    expect(parseBytes(text)).toBe(bytes);
  });

  test.each([
    ['x', "invalid size: 'x'"],
    ['', "invalid size: ''"],
    ['-1m', "invalid size: '-1m'"],
    ['1x', "invalid suffix: 'x'"],
    ['1Kx', "invalid suffix: 'kx'"],
    ['1KILO', "invalid suffix: 'KILO'"],
    ['1.2.3m', 'strconv.ParseFloat: parsing "1.2.3": invalid syntax'],
  ])('parseBytes(%j) is refused in the words of Docker', (text, message) => {
    expect(() => parseBytes(text)).toThrow(message);
  });
});

describe('durations', () => {
  test.each([
    [999, 'Less than a second'],
    [1000, '1 second'],
    [59_999, '59 seconds'],
    [60_000, 'About a minute'],
    [120_000, '2 minutes'],
    [3_600_000, 'About an hour'],
    [5_400_000, '2 hours'],
    [47 * 3_600_000, '47 hours'],
    [48 * 3_600_000, '2 days'],
    [14 * 24 * 3_600_000, '2 weeks'],
    [60 * 24 * 3_600_000, '2 months'],
    [731 * 24 * 3_600_000, '2 years'],
  ])('humanDuration(%d ms) is %s', (milliseconds, text) => {
    expect(humanDuration(milliseconds)).toBe(text);
  });

  test('ago() of a time that never was is N/A', () => {
    expect(ago('0001-01-01T00:00:00Z')).toBe('N/A');
    expect(ago('2026-01-01T00:00:00.123456789Z', Date.parse('2026-01-01T00:03:00Z'))).toBe('2 minutes ago');
  });

  test.each([
    ['0', 0],
    ['10s', 10e9],
    ['1h30m', 5400e9],
    ['1.5s', 1.5e9],
    ['-1.5h', -5400e9],
    ['100ms', 1e8],
    ['2us', 2000],
    ['3ns', 3],
    ['.5m', 30e9],
    ['0.1h', 360e9],
  ])('parseDuration(%j) is %d nanoseconds', (text, nanoseconds) => {
    expect(parseDuration(text)).toBe(nanoseconds);
  });

  test.each([
    ['', 'time: invalid duration ""'],
    ['x', 'time: invalid duration "x"'],
    ['5', 'time: missing unit in duration "5"'],
    ['5y', 'time: unknown unit "y" in duration "5y"'],
    ['1h-5m', 'time: unknown unit "h-" in duration "1h-5m"'],
    ['.s', 'time: invalid duration ".s"'],
  ])('parseDuration(%j) is refused in the words of Go', (text, message) => {
    expect(() => parseDuration(text)).toThrow(message);
  });

  test.each([
    [0, '0s'],
    [1, '1ns'],
    [1500, '1.5µs'],
    [2.5e6, '2.5ms'],
    [1.5e9, '1.5s'],
    [90e9, '1m30s'],
    [3600e9, '1h0m0s'],
    [-30e9, '-30s'],
  ])('formatDuration(%d) is %s', (nanoseconds, text) => {
    expect(formatDuration(nanoseconds)).toBe(text);
  });
});

describe('times', () => {
  const now = new Date('2026-11-21T12:00:00.250Z');
  const seconds = (text: string) => Date.parse(text) / 1000;

  test.each([
    ['10m', { seconds: seconds('2026-11-21T11:50:00Z'), nanos: 250e6 }],
    ['1700000000', { seconds: 1700000000, nanos: 0 }],
    ['1700000000.5', { seconds: 1700000000, nanos: 5e8 }],
    ['0', { seconds: 0, nanos: 0 }],
    ['2026-01-02T03:04:05.123456789Z', { seconds: seconds('2026-01-02T03:04:05Z'), nanos: 123456789 }],
    ['2026-01-02T03:04:05+02:00', { seconds: seconds('2026-01-02T01:04:05Z'), nanos: 0 }],
    ['2026-01-02T03:04Z', { seconds: seconds('2026-01-02T03:04:00Z'), nanos: 0 }],
    ['2026-01-02T03:04:05', { seconds: new Date(2026, 0, 2, 3, 4, 5).getTime() / 1000, nanos: 0 }],
    ['2026-01-02', { seconds: new Date(2026, 0, 2).getTime() / 1000, nanos: 0 }],
  ])('parseTimestamp(%j) reads what --since takes', (text, time) => {
    expect(parseTimestamp(text, now)).toEqual(time);
  });

  test.each([
    ['2026-13-01', /month out of range/],
    ['2026-02-30', /day out of range/],
    ['2026-02-01T25:00', /hour out of range/],
    ['99999999999999999999', /failed to parse value as time or duration: "9{20}"/],
    ['yesterday', /failed to parse value as time or duration: "yesterday"/],
    ['20-1-1', /parsing time "20-1-1"/],
  ])('parseTimestamp(%j) is refused', (text, message) => {
    expect(() => parseTimestamp(text, now)).toThrow(message);
  });

  test('localTime() has the offset and the letters of the zone', () => {
    expect(localTime('2026-11-21T09:03:11.5Z')).toMatch(
      /^2026-11-2\d \d\d:\d\d:11 [+-]\d{4} ([A-Z]{3,5}|[+-]\d{2,4})$/,
    );
  });
});

test.each([
  ['1', true],
  ['t', true],
  ['True', true],
  ['0', false],
  ['F', false],
  ['FALSE', false],
  ['', undefined],
  ['yes', undefined],
  ['tRUE', undefined],
])('parseBool(%j) is what Go takes it for', (text, value) => {
  expect(parseBool(text)).toBe(value);
});
