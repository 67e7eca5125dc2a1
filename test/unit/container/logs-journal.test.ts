import { expect, test } from 'vitest';
import { parseJournalEntry } from '#container/logs-journal.ts';

const line = (entry: object) =>
  JSON.stringify({ __REALTIME_TIMESTAMP: '1767323045123456', __CURSOR: 's=1;i=2', _PID: '7', ...entry });
const time = '2026-01-02T03:04:05.123456000Z';

test.each([
  [{ MESSAGE: 'hello', PRIORITY: '6' }, 'hello\n', 'stdout'],
  [{ MESSAGE: 'oh', PRIORITY: '3' }, 'oh\n', 'stderr'],
  [{ MESSAGE: 'a piece', PRIORITY: '6', CONTAINER_PARTIAL_MESSAGE: 'true' }, 'a piece', 'stdout'],
  [{ MESSAGE: [104, 105, 7], PRIORITY: '6' }, 'hi\u0007\n', 'stdout'],
  [{ MESSAGE: null, PRIORITY: '6' }, '\n', 'stdout'],
  [{ MESSAGE: ['twice', 'there'], PRIORITY: ['3', '6'] }, 'twice\n', 'stderr'],
])('the journal’s entry %j is a line', (entry, log, stream) => {
  expect(parseJournalEntry(line(entry))).toEqual({ log, stream, time, attrs: {}, cursor: 's=1;i=2' });
});

test('what the entry has besides Docker’s fields are labels and variables', () => {
  const fields = {
    CONTAINER_ID_FULL: 'abc',
    CONTAINER_TAG: 'web',
    SYSLOG_IDENTIFIER: 'web',
    COM_EXAMPLE: 'x',
    HOME: [47],
  };
  expect(parseJournalEntry(line({ MESSAGE: 'hi', ...fields }))?.attrs).toEqual({ COM_EXAMPLE: 'x', HOME: '/' });
});
