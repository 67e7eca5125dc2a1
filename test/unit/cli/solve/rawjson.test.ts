import { expect, test } from 'vitest';
import { asStatus } from '#cli/solve/rawjson.ts';

test('events have the shapes of BuildKit’s status', () => {
  const time = Date.UTC(2026, 0, 2, 3, 4, 5);
  expect(
    JSON.parse(
      asStatus({ kind: 'vertex', id: 'sha256:a', name: 'n', inputs: ['sha256:b'], started: time, cached: true }),
    ),
  ).toEqual({
    vertexes: [
      { digest: 'sha256:a', inputs: ['sha256:b'], name: 'n', started: '2026-01-02T03:04:05.000Z', cached: true },
    ],
  });
  expect(
    JSON.parse(asStatus({ kind: 'log', vertex: 'sha256:a', stream: 2, data: Buffer.from('hi\n'), timestamp: time })),
  ).toEqual({ logs: [{ vertex: 'sha256:a', stream: 2, data: 'aGkK', timestamp: '2026-01-02T03:04:05.000Z' }] });
  const part = { id: 'p', current: 1, total: 0, started: time, timestamp: time, completed: time };
  expect(JSON.parse(asStatus({ kind: 'status', vertex: 'sha256:a', ...part }))).toEqual({
    statuses: [
      {
        id: 'p',
        vertex: 'sha256:a',
        current: 1,
        timestamp: '2026-01-02T03:04:05.000Z',
        started: '2026-01-02T03:04:05.000Z',
        completed: '2026-01-02T03:04:05.000Z',
      },
    ],
  });
});
