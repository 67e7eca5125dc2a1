// biome-ignore-all lint/suspicious/noTemplateCurlyInString: bake files write expressions so
import { describe, expect, test } from 'vitest';
import { parseTemplate, type Scope } from '#build/bake/expression.ts';
import { callFunction } from '#build/bake/functions.ts';
import type { Value } from '#build/bake/value.ts';

const VARIABLES: Record<string, Value> = { x: 'one', n: 3, yes: true, list: ['a', 'b'], map: { k: { d: [7, 8] } } };
const scope: Scope = {
  variable: (name) => {
    const value = VARIABLES[name];
    if (value === undefined) throw new Error(`no ${name}`);
    return value;
  },
  call: callFunction,
};
const evaluated = (text: string) => parseTemplate(text)(scope);

describe('parseTemplate()', () => {
  test.each<[text: string, value: Value]>([
    ['plain "text" \\n', 'plain "text" \\n'],
    ['a-${x}-${n}', 'a-one-3'],
    ['${n}', 3],
    ['${list}', ['a', 'b']],
    ['$${x} %%{x} $x 100%', '${x} %{x} $x 100%'],
    ['${map.k.d[1]} ${map["k"].d.0}', '8 7'],
    ['${n + 2 * 3 - 8 / 4 % 3}', 7],
    ['${-(n) < 0 && !(n >= 4) || false}', true],
    ['${yes ? "y${x}" : "n"}', 'yone'],
    ['${x == "one" ? n != 3 : null}', false],
    ['${upper("a\\"\\u0062\\n")}', 'A"B\n'],
    ['${[for i, v in list : "${i}${v}" if v != "a"]}', ['1b']],
    ['${{for v in list : v => upper(v)}}', { a: 'A', b: 'B' }],
    ['${{a = 1, "b" : [2,], (x) = 3}}', { a: 1, b: [2], one: 3 }],
    ['${[{a=1},{a=2}][*].a}', [1, 2]],
    ['%{ if yes }a%{ else }b%{ endif }-%{for v in list}${v},%{endfor}', 'a-a,b,'],
    ['a  ${~ x ~}  b', 'aoneb'],
    ['${max(list2(1)...)}', 1],
  ])('%s is %j', (text, value) => {
    const call: Scope['call'] = (name, args) =>
      name === 'list2' ? args.map((arg) => arg()) : callFunction(name, args);
    expect(parseTemplate(text)({ ...scope, call })).toEqual(value);
  });

  test.each([
    ['${', 'Invalid expression: expected a value'],
    ['${x', 'Invalid expression: expected }'],
    ['${"a}', 'expected "'],
    ['${nofun()}', 'There is no function named "nofun"'],
    ['${list + 1}', 'a number is required, not a list'],
    ['a${list}', 'string required, not a list'],
    ['%{ if yes }', 'expected %{ endif }'],
    ['%{ nope }', 'Invalid template directive'],
    ['a %{ endif }', 'Unexpected %{ endif }'],
    ['${map.q}', 'there is no "q" in it'],
  ])('%s is refused: %s', (text, reason) => {
    expect(() => evaluated(text)).toThrow(reason);
  });
});

describe('callFunction()', () => {
  test.each<[text: string, value: Value]>([
    ['${regex_replace("v1.2", "v(\\\\d)", "$${1}x")}', '1x.2'],
    ['${regex("(\\\\d+)-(\\\\w+)", "12-ab")}', ['12', 'ab']],
    ['${format("%s-%03d %q %%", "a", 7, "b")}', 'a-007 "b" %'],
    ['${join(",", concat(list, ["c"]))}', 'a,b,c'],
    ['${range(3)}', [0, 1, 2]],
    ['${substr("hello", -3, -1)}', 'llo'],
    ['${trim("xxaxx", "x")}${trimsuffix("a.b", ".b")}', 'aa'],
    ['${coalesce(null, "", "z")}', ''],
    ['${try(map.q, "else")} ${can(map.q)}', 'else false'],
    ['${lookup(map, "q", "none")}', 'none'],
    ['${jsonencode({a=[1]})}', '{"a":[1]}'],
    ['${title("ab cd")}', 'Ab Cd'],
  ])('%s is %j', (text, value) => {
    expect(evaluated(text)).toEqual(value);
  });
});
