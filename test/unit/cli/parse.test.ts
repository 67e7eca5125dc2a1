import { describe, expect, test } from 'vitest';
import type { Flags } from '#cli/command.ts';
import { argumentMistake, argumentRange, parseFlags } from '#cli/parse.ts';
import { boolean, integer, list, text } from '#cli/values.ts';

const FLAGS: Flags = {
  all: { short: 'a', as: boolean, summary: '' },
  quiet: { short: 'q', as: boolean, summary: '' },
  env: { short: 'e', as: list, summary: '' },
  name: { as: text, summary: '' },
  'stop-timeout': { short: 't', as: integer, summary: '' },
  pull: { as: text, default: 'missing', summary: '' },
  proxy: { as: boolean, default: 'true', summary: '' },
  time: { as: integer, summary: '', deprecated: 'use --timeout instead' },
};

const NOTHING = {
  all: false,
  quiet: false,
  env: [],
  name: undefined,
  stopTimeout: undefined,
  pull: 'missing',
  proxy: true,
};

describe('parseFlags()', () => {
  test.each<[string[], object, string[]]>([
    [[], {}, []],
    [['-a', 'x'], { all: true }, ['x']],
    [['x', '-a'], { all: true }, ['x']],
    [['-aq'], { all: true, quiet: true }, []],
    [['-aq=false'], { all: true, quiet: false }, []],
    [['--all=false'], { all: false }, []],
    [['--all', 'false'], { all: true }, ['false']],
    [['-eA=b'], { env: ['A=b'] }, []],
    [['-e=A'], { env: ['A'] }, []],
    [['-e', '-a'], { env: ['-a'] }, []],
    [['-aeA=1', '--env', 'B', '--env=C='], { all: true, env: ['A=1', 'B', 'C='] }, []],
    [['--name='], { name: '' }, []],
    [['--name', '"quoted"'], { name: '"quoted"' }, []],
    [["-e'x'"], { env: ["'x'"] }, []],
    [['--name', '--'], { name: '--' }, []],
    [['--name', '__proto__'], { name: '__proto__' }, []],
    [['--', '-a', '--', '--nope'], {}, ['-a', '--', '--nope']],
    [['-', ''], {}, ['-', '']],
    [['1', '0x10', 'true'], {}, ['1', '0x10', 'true']],
    [['-t5'], { stopTimeout: 5 }, []],
    [['--name', 'a', '--name', 'b'], { name: 'b' }, []],
    [['--pull', 'never', '--proxy=false'], { pull: 'never', proxy: false }, []],
  ])('reads %j as pflag does', (words, values, args) => {
    const parsed = parseFlags(words, FLAGS);
    expect(parsed.values).toEqual({ ...NOTHING, ...values });
    expect(parsed.args).toEqual(args);
  });

  test('leaves everything after the first argument alone where a command follows', () => {
    const parsed = parseFlags(['-a', 'image', '-q', '--nope', '--', '-e'], FLAGS, { interspersed: false });
    expect(parsed.args).toEqual(['image', '-q', '--nope', '--', '-e']);
    expect(parsed.values.quiet).toBe(false);
  });

  test.each([
    [['--foo'], 'unknown flag: --foo'],
    [['--foo=1'], 'unknown flag: --foo'],
    [['--constructor'], 'unknown flag: --constructor'],
    [['-x'], "unknown shorthand flag: 'x' in -x"],
    [['-axq'], "unknown shorthand flag: 'x' in -xq"],
    [['--name'], 'flag needs an argument: --name'],
    [['-ae'], "flag needs an argument: 'e' in -e"],
    [['---x'], 'bad flag syntax: ---x'],
    [['--=x'], 'bad flag syntax: --=x'],
    [['--all=x'], 'invalid argument "x" for "-a, --all" flag: strconv.ParseBool: parsing "x": invalid syntax'],
    [['-t', 'x'], 'invalid argument "x" for "-t, --stop-timeout" flag: strconv.ParseInt: parsing "x": invalid syntax'],
    [['--proxy=x'], 'invalid argument "x" for "--proxy" flag: strconv.ParseBool: parsing "x": invalid syntax'],
    [
      ['-t', 'x', '--foo'],
      'invalid argument "x" for "-t, --stop-timeout" flag: strconv.ParseInt: parsing "x": invalid syntax',
    ],
  ])('refuses %j in the words of pflag', (words, message) => {
    expect(() => parseFlags(words, FLAGS)).toThrow(expect.objectContaining({ kind: 'invalid', message }));
  });

  test('says which flags were given, and what is deprecated about them', () => {
    const parsed = parseFlags(['--time', '3', '-a'], FLAGS);
    expect([...parsed.given].sort()).toEqual(['all', 'time']);
    expect(parsed.warnings).toEqual(['Flag --time has been deprecated, use --timeout instead']);
  });

  test('takes -h for --help where it is no flag of the command', () => {
    expect(parseFlags(['--help'], FLAGS)).toMatchObject({ help: true, warnings: [] });
    expect(parseFlags(['-h'], FLAGS).warnings).toEqual(['Flag shorthand -h has been deprecated, use --help']);
    expect(() => parseFlags(['-h'], { hostname: { short: 'h', as: text, summary: '' } })).toThrow(
      'flag needs an argument',
    );
  });
});

describe('the number of arguments', () => {
  const most = Number.POSITIVE_INFINITY;
  test.each([
    ['', 0, 0],
    ['CONTAINER', 1, 1],
    ['CONTAINER [CONTAINER...]', 1, most],
    ['IMAGE [COMMAND] [ARG...]', 1, most],
    ['CONTAINER COMMAND [ARG...]', 2, most],
    ['[REPOSITORY[:TAG]]', 0, 1],
    ['SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]', 2, 2],
    ['NAME[:TAG|@DIGEST]', 1, 1],
    ['CONTAINER [PRIVATE_PORT[/PROTO]]', 1, 2],
    ['NAME|ID [NAME|ID...]', 1, most],
  ])('of %j is from %d to %d', (usage, least, highest) => {
    expect(argumentRange(usage)).toEqual({ least, most: highest });
  });

  test.each([
    ['', 1, 'accepts no arguments'],
    ['CONTAINER', 0, 'requires 1 argument'],
    ['CONTAINER', 2, 'requires 1 argument'],
    ['A B', 1, 'requires 2 arguments'],
    ['A [A...]', 0, 'requires at least 1 argument'],
    ['A B [C...]', 1, 'requires at least 2 arguments'],
    ['[A]', 2, 'requires at most 1 argument'],
    ['A [B]', 3, 'requires at least 1 and at most 2 arguments'],
  ])('of %j is not %d: %s', (usage, count, reason) => {
    const definition = { usage, summary: '', flags: {}, run: () => undefined };
    expect(argumentMistake(definition, count)?.reason).toBe(reason);
  });
});
