import { expect, test } from 'vitest';
import { parseProcesses } from '#container/top.ts';

const PS = `    PID TTY          TIME CMD
      1 ?        00:00:01 init
     20 ?        00:00:00 sh -c  sleep 5
     21 pts/0    00:00:00 sleep\u00a05
`;

test("shows the container's own processes alone, and puts into the last column what is left of a line", () => {
  expect(parseProcesses(PS, new Set([20, 21]))).toEqual({
    titles: ['PID', 'TTY', 'TIME', 'CMD'],
    rows: [
      ['20', '?', '00:00:00', 'sh -c sleep 5'],
      ['21', 'pts/0', '00:00:00', 'sleep\u00a05'],
    ],
  });
});

test('shows the threads of a process with it (ps m)', () => {
  const output = 'PID CMD\n7 mine\n- -\n8 other\n- -\n';
  expect(parseProcesses(output, new Set([7])).rows).toEqual([
    ['7', 'mine'],
    ['-', '-'],
  ]);
});

test.each([
  ['COMMAND\nsh\n', "Couldn't find PID field in ps output"],
  ['PID CMD\nx sh\n', 'Unexpected pid \'x\': strconv.Atoi: parsing "x": invalid syntax'],
])('refuses %o', (output, why) => {
  expect(() => parseProcesses(output, new Set())).toThrow(why);
});
