import { expect, test } from 'vitest';
import { shellWords } from '#compose/model/shell-words.ts';

test.each([
  ['a "b c" d', ['a', 'b c', 'd']],
  ["a 'b \\ c' ''", ['a', 'b \\ c', '']],
  ['a\\ b \\n', ['a b', '\n']],
  ['a"b"c', ['abc']],
  ['echo a && b', ['echo', 'a']],
  ['echo 2>x', ['echo']],
  ['sh -c "a; b | c"', ['sh', '-c', 'a; b | c']],
  ['echo $(a b)', ['echo', '$(a b)']],
  ['echo `a b`', ['echo', '`a b`']],
  ['', []],
])('%s is split as go-shellwords does it', (line, words) => {
  expect(shellWords(line)).toEqual(words);
});

test.each(["a 'b", 'a "b', 'a\\', '(a)'])('%s is refused', (line) => {
  expect(() => shellWords(line)).toThrow('invalid command line string');
});
