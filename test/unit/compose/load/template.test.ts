// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the variables are those of compose files
import { describe, expect, test } from 'vitest';
import { substitute } from '#compose/load/template.ts';

const VARIABLES: Record<string, string> = { A: 'a', EMPTY: '', lower: 'l' };
const fill = (text: string, warned: string[] = []) =>
  substitute(
    text,
    (name) => VARIABLES[name],
    (line) => warned.push(line),
  );

describe('a variable in a text', () => {
  test.each([
    ['$A', 'a'],
    ['${A}b', 'ab'],
    ['$$A', '$A'],
    ['$$$A', '$a'],
    ['${A:-x}${EMPTY:-x}${NO:-x}', 'axx'],
    ['${A-x}${EMPTY-x}${NO-x}', 'ax'],
    ['${A:+x}${EMPTY:+x}${NO:+x}', 'x'],
    ['${A+x}${EMPTY+x}${NO+x}', 'xx'],
    ['${A:?m}${EMPTY?m}', 'a'],
    ['${NO:-${A:-b}}', 'a'],
    ['${NO:-${ALSO:-deep $A}} and ${A}', 'deep a and a'],
    ['${A:-x} and ${NO:-y}', 'a and y'],
    ['${NO:-a:-b}', 'a:-b'],
    ['${NO-a:-b}', 'a:-b'],
    ['5$ $1', '5$ $1'],
  ])('%s is %s', (text, value) => {
    expect(fill(text)).toBe(value);
  });

  test.each([
    ['${NO:?must be set}', 'required variable NO is missing a value: must be set'],
    ['${NO?}', 'required variable NO is missing a value'],
    ['${EMPTY:?$A is wrong}', 'required variable EMPTY is missing a value: a is wrong'],
    ['${', 'Invalid template'],
    ['${1A}', 'Invalid template'],
    ['${NO:-${}}', 'Invalid template'],
  ])('%s is refused', (text, message) => {
    expect(() => fill(text)).toThrow(message);
  });

  test('may stand there ten thousand times, but not as often in one another', () => {
    expect(fill('${NO:-x} '.repeat(10_000))).toBe('x '.repeat(10_000));
    expect(fill('${NO:-'.repeat(100) + '}'.repeat(100))).toBe('');
    expect(() => fill('${NO:-'.repeat(10_000) + '}'.repeat(10_000))).toThrow('more than 200 times');
  });

  test('is warned of where it is not set and has no default', () => {
    const warned: string[] = [];
    expect(fill('$NO ${NO} ${NO:-x} $EMPTY', warned)).toBe('  x ');
    expect(warned).toEqual(Array(2).fill('The "NO" variable is not set. Defaulting to a blank string.'));
  });
});
