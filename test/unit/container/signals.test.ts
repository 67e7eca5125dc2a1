import { expect, test } from 'vitest';
import { parseSignal } from '#container/signals.ts';

test.each([
  ['TERM', 15],
  ['SIGTERM', 15],
  ['sigkill', 9],
  ['15', 15],
  ['RTMIN', 34],
  ['RTMIN+3', 37],
  ['SIGRTMAX-1', 63],
  ['64', 64],
  ['RTMIN+15', 49],
  ['RTMAX-14', 50],
  ['CLD', 17],
])('%s is %i', (text, number) => {
  expect(parseSignal(text)).toBe(number);
});

test.each(['FOO', '0', '', 'RTMIN-1', 'RTMAX+1', 'RTMIN+16', 'RTMAX-15', 'RTMIN+01', 'SIG'])('%j is none', (text) => {
  expect(() => parseSignal(text)).toThrow(`invalid signal: ${text}`.trim());
});

test.each(['99', '-3'])('%s is one that Linux does not have', (text) => {
  expect(() => parseSignal(text)).toThrow(`the linux daemon does not support signal ${text}`);
});
