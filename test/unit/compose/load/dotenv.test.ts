// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the variables are those of env files
import { describe, expect, test } from 'vitest';
import { readVariables } from '#compose/load/dotenv.ts';

function read(text: string, environment: Record<string, string> = {}) {
  const variables: Record<string, string> = {};
  readVariables(text, variables, (name) => environment[name]);
  return variables;
}

describe('a line of an env file', () => {
  test.each<[string, Record<string, string>]>([
    ['A=b', { A: 'b' }],
    ['A = b c ', { A: 'b c' }],
    ['A: b', { A: 'b' }],
    ['export A=b', { A: 'b' }],
    ['\ufeffA=b\r\nB=c\r\n', { A: 'b', B: 'c' }],
    ['A=', { A: '' }],
    ['# comment\n\n  # more\nA=b # why', { A: 'b' }],
    ['A=b#c', { A: 'b#c' }],
    ['A="b # c" # d', { A: 'b # c' }],
    ["A='b $C'", { A: 'b $C' }],
    ["A='it\\'s'", { A: "it's" }],
    ['A="say \\"x\\""', { A: 'say "x"' }],
    ['A="1\\n2\\t3"', { A: '1\n2\t3' }],
    ["A='1\\n2'", { A: '1\\n2' }],
    ['A=1\\n2', { A: '1\\n2' }],
    ['A="1\n2"\nB=3', { A: '1\n2', B: '3' }],
    ['A="\\0123"', { A: 'S' }],
    ['A="\\$B"', { A: '$B' }],
    ['A=$$B', { A: '$B' }],
    ['A=1\nB=${A}2\nC=$B', { A: '1', B: '12', C: '12' }],
    ['A=${X:-y}', { A: 'y' }],
    ['A=${HOST}', { A: 'outer' }],
    ['HOST=inner\nA=${HOST}', { HOST: 'inner', A: 'outer' }],
    ['HOST\nB=1', { HOST: 'outer', B: '1' }],
    ['MISSING\nB=1', { B: '1' }],
    ['a.b-c[0]=d', { 'a.b-c[0]': 'd' }],
    ['A=é', { A: 'é' }],
    ['A=1\nA=2', { A: '2' }],
  ])('%j', (text, variables) => {
    expect(read(text, { HOST: 'outer' })).toEqual(variables);
  });

  test.each<[string, string]>([
    ['A=1\nB%=2', 'line 2: unexpected character "%" in variable name "B%=2"'],
    ['A B=1', 'line 1: key cannot contain a space'],
    ['A="b', 'line 1: unterminated quoted value "b'],
    ['A=${B', 'Invalid template: "${B"'],
    ['A=${B:?must}', 'required variable B is missing a value: must'],
  ])('%j is refused', (text, message) => {
    expect(() => read(text)).toThrow(message);
  });
});
