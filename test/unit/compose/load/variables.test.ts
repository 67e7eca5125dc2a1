// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the variables are those of compose files
import { expect, test } from 'vitest';
import { variablesOf } from '#compose/load/variables.ts';

const found = (text: string) =>
  [...variablesOf({ a: [{ b: text }] }).values()].map(
    ({ name, defaultValue, presenceValue, required }) =>
      `${name}${required ? '!' : ''}${defaultValue === '' ? '' : `=${defaultValue}`}${presenceValue === '' ? '' : `+${presenceValue}`}`,
  );

test.each([
  ['${A}-$B', ['A', 'B']],
  ['$$A $${B} ${C}', ['C']],
  ['${A:-x}${A:-y}', ['A=x']],
  ['${A:-${B:-c}}', ['A=${B:-c}', 'B=c']],
  ['${A:+${B}}', ['A+${B}', 'B']],
  ['${A:?need ${B}}', ['A!']],
  ['${A?}', ['A!']],
  ['${A:-a}b}', ['A=a']],
  ['no', []],
])('the variables of %s', (text, names) => {
  expect(found(text)).toEqual(names);
});
