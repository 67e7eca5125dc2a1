import { expect, test } from 'vitest';
import { checkLogConfig } from '#container/log-options.ts';

const check = (Type: string, Config: Record<string, string> = {}) => checkLogConfig({ Type, Config });

test.each(['', 'json-file', 'local', 'none', 'journald', 'k8s-file', 'passthrough'])(
  'the driver %j is there',
  (type) => {
    expect(() => check(type)).not.toThrow();
  },
);

// Docker 28.5's words, but for the drivers that are Docker's daemon's own business.
test.each<[string, Record<string, string>, string]>([
  ['nope', {}, 'error looking up logging plugin nope: plugin "nope" not found'],
  ['syslog', {}, 'Cannot log by the driver "syslog": it sends logs elsewhere over a network'],
  ['', { x: '1' }, "unknown log opt 'x' for json-file log driver"],
  ['local', { labels: 'x' }, "unknown log opt 'labels' for log driver local"],
  ['journald', { 'max-size': '1' }, "unknown log opt 'max-size' for journald log driver"],
  ['', { mode: 'x' }, 'logger: logging mode not supported: x'],
  ['', { 'max-buffer-size': '1m' }, "logger: max-buffer-size option is only supported with 'mode=non-blocking'"],
  ['', { mode: 'non-blocking', 'max-buffer-size': 'x' }, "error parsing option max-buffer-size: invalid size: 'x'"],
  ['local', { 'cache-disabled': 'x' }, 'invalid value for option cache-disabled: x'],
])('the driver %j with %j is refused', (type, options, words) => {
  expect(() => check(type, options)).toThrow(words);
});

test('options that all drivers have are taken', () => {
  expect(() =>
    check('local', { mode: 'non-blocking', 'max-buffer-size': '4m', 'cache-disabled': 'true' }),
  ).not.toThrow();
});

test('passthrough has no place for a terminal', () => {
  expect(() => checkLogConfig({ Type: 'passthrough', Config: {} }, true)).toThrow(/cannot be used on a TTY/);
});
