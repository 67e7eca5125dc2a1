/** Events as BuildKit's SolveStatus in JSON, a line each. */
import type { BuildEvent } from '#build/event.ts';
import { warningText } from '#cli/solve/trace.ts';

const time = (milliseconds: number) => new Date(milliseconds).toISOString();
const upTo = (completed: number | undefined) => (completed === undefined ? {} : { completed: time(completed) });

export function asStatus(event: BuildEvent): string {
  return JSON.stringify(statusOf(event));
}

function statusOf(event: BuildEvent): object {
  switch (event.kind) {
    case 'vertex': {
      const { id, name, inputs, started, completed, cached, error } = event;
      const built = inputs.length === 0 ? {} : { inputs };
      const state = {
        started: time(started),
        ...upTo(completed),
        ...(cached ? { cached } : {}),
        ...(error ? { error } : {}),
      };
      return { vertexes: [{ digest: id, ...built, name, ...state }] };
    }
    case 'status': {
      const { id, vertex, current, total, started, timestamp, completed } = event;
      const amount = { current, ...(total === 0 ? {} : { total }) };
      return {
        statuses: [{ id, vertex, ...amount, timestamp: time(timestamp), started: time(started), ...upTo(completed) }],
      };
    }
    case 'log': {
      const { vertex, stream, data, timestamp } = event;
      return { logs: [{ vertex, stream, data: data.toString('base64'), timestamp: time(timestamp) }] };
    }
    case 'warning': {
      const { vertex, warning } = event;
      const base64 = (text: string) => Buffer.from(text).toString('base64');
      return {
        warnings: [
          {
            vertex,
            level: 1,
            short: base64(warningText(warning)),
            detail: [base64(warning.description)],
            url: warning.url,
            range: warning.place.map(({ start, end }) => ({ start: { line: start }, end: { line: end } })),
          },
        ],
      };
    }
  }
}
