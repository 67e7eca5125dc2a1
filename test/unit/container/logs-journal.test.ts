import { expect, test } from 'vitest';
import { parseJournalEntry } from '#container/logs-journal.ts';

const line = (entry: object) => JSON.stringify({ __REALTIME_TIMESTAMP: '1767323045123456', ...entry });

test.each([
  [{ MESSAGE: 'hello', PRIORITY: '6' }, 'hello\n', 'stdout'],
  [{ MESSAGE: 'oh', PRIORITY: '3' }, 'oh\n', 'stderr'],
  [{ MESSAGE: 'a piece', PRIORITY: '6', CONTAINER_PARTIAL_MESSAGE: 'true' }, 'a piece', 'stdout'],
  [{ MESSAGE: [104, 105, 7], PRIORITY: '6' }, 'hi\u0007\n', 'stdout'],
  [{ MESSAGE: null, PRIORITY: '6' }, '\n', 'stdout'],
])('the journal’s entry %j is a line', (entry, log, stream) => {
  expect(parseJournalEntry(line(entry))).toEqual({ log, stream, time: '2026-01-02T03:04:05.123456000Z', attrs: {} });
});
