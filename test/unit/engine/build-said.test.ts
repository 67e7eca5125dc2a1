import { expect, test } from 'vitest';
import { stepSaid } from '#engine/build-said.ts';

const WORD = '{ "msg": "exec container process `/bad`: Exec format error", "level": "error", "time": "x" }\n';

/** What is told of a step that says this and ends so. */
function told(status: number, ...said: [stream: 1 | 2, text: string][]) {
  const lines: [number, string][] = [];
  const step = stepSaid((stream, data) => lines.push([stream, data.toString()]));
  for (const [stream, text] of said) step.take(stream, Buffer.from(text));
  return { status: step.end(status), lines };
}

test('a program that the kernel refused is told as by runc', () => {
  const refused = { status: 255, lines: [[2, 'exec /bad: exec format error\n']] };
  expect(told(1, [2, WORD])).toEqual(refused);
  expect(told(1, [2, `${JSON.stringify(JSON.parse(WORD), undefined, 2)}\n`])).toEqual(refused);
});

test.each<[string, number, [1 | 2, string][]]>([
  ['that succeeds', 0, [[2, WORD]]],
  ['that fails otherwise', 3, [[2, WORD]]],
  ['that goes on in the same breath', 1, [[2, `${WORD}behind\n`]]],
  [
    'that goes on',
    1,
    [
      [2, WORD],
      [2, 'behind\n'],
    ],
  ],
  [
    'that says something else, too',
    1,
    [
      [2, WORD],
      [1, 'out\n'],
    ],
  ],
  [
    'that has said something before',
    1,
    [
      [1, 'out\n'],
      [2, WORD],
    ],
  ],
  ['that says nothing', 1, []],
])('a step %s keeps its status and its words', (_what, status, said) => {
  expect(told(status, ...said)).toEqual({ status, lines: said });
});
