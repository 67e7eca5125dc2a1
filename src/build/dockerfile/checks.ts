/** Checks that look at more than one instruction: names, cases, variables, what should stand once. */
import { WherryError } from '#base/error.ts';
import { quote } from '#base/go-quote.ts';
import { formatPlatform } from '#base/platform.ts';
import type { Instruction, InstructionOf } from '#build/dockerfile/instructions.ts';
import type { Linter } from '#build/dockerfile/lint.ts';
import type { Line } from '#build/dockerfile/parse.ts';
import type { Stage } from '#build/dockerfile/stage.ts';
import { suggestion } from '#build/dockerfile/text.ts';
import type { Environment, Lexed } from '#build/dockerfile/words.ts';
import type { Place } from '#build/vertex.ts';
import type { Platform } from '#oci/manifest.ts';
import { normalize, parsePlatform } from '#oci/platform.ts';

/** Before an instruction is read: what can be seen of it also when it is wrong. */
export function checkLine({ name, args, place, comments }: Line, linter: Linter): void {
  const key = name.toLowerCase();
  const own = linter.under(comments);
  if (key === 'maintainer') {
    own.note('MaintainerDeprecated', place, 'Maintainer instruction is deprecated in favor of using label');
  }
  const [, keyword = '', stage = ''] = args;
  if (key !== 'from' || args.length < 3) return;
  if (args.length === 3 && stage !== stage.toLowerCase()) {
    own.note('StageNameCasing', place, `Stage name '${stage}' should be lowercase`);
  }
  const isLower = name === key;
  const isUpper = name === name.toUpperCase();
  const matches = isLower ? keyword === keyword.toLowerCase() : !isUpper || keyword === keyword.toUpperCase();
  if (!matches) own.note('FromAsCasing', place, `'${keyword}' and '${name}' keywords' casing do not match`);
}

/** Comments above stages and arguments say what those are for. */
export function checkDescriptions(instruction: Instruction, linter: Linter): void {
  const own = linter.under(instruction.comments);
  if (instruction.kind === 'arg')
    checkDescription(
      instruction,
      instruction.pairs.map(({ key }) => key),
      own,
    );
  if (instruction.kind === 'from' && instruction.as !== '') checkDescription(instruction, [instruction.as], own);
}

function checkDescription({ kind, comments, place }: Instruction, keys: readonly string[], linter: Linter): void {
  const last = comments.at(-1);
  const [first = ''] = keys;
  if (last === undefined || keys.length === 0 || keys.includes(last.split(' ', 1)[0] ?? '')) return;
  const example = keys.length > 1 ? '<arg_key>' : first;
  const detail = `Comment for ${kind.toUpperCase()} should follow the format: \`# ${example} <description>\``;
  linter.note('InvalidDefinitionDescription', place, detail);
}

/** Names of stages that can't be meant, or mean two. */
export function checkStageNames(stages: readonly InstructionOf<'from'>[], linter: Linter): void {
  const seen = new Set<string>();
  for (const { as, place, comments } of stages) {
    if (as === '') continue;
    const own = linter.under(comments);
    if (as === 'context' || as === 'scratch') {
      const detail = `Stage name should not use the same name as reserved stage ${quote(as)}`;
      own.note('ReservedStageName', place, detail);
    }
    if (seen.has(as)) {
      own.note('DuplicateStageName', place, `Duplicate stage name ${quote(as)}, stage names should be unique`);
    }
    seen.add(as);
  }
}

/** Instructions from the first FROM on: most are in capitals or most are not. */
export function checkCasing(instructions: readonly Instruction[], linter: Linter): void {
  const lower = instructions.filter(({ name }) => name === name.toLowerCase()).length;
  const upper = instructions.filter(({ name }) => name === name.toUpperCase()).length;
  const isLower = lower > upper;
  for (const { name, place, comments } of instructions) {
    if (name === (isLower ? name.toLowerCase() : name.toUpperCase())) continue;
    const majority = isLower ? 'lowercase' : 'uppercase';
    const detail = `Command '${name}' should match the case of the command majority (${majority})`;
    linter.under(comments).note('ConsistentInstructionCasing', place, detail);
  }
}

interface Unset {
  unmatched: ReadonlySet<string>;
  place: Place;
  linter: Linter;
}

/** Variables in an instruction that no ARG and no ENV has named. */
export function undefinedVariables({ buildArgs, env }: Stage, { unmatched, place, linter }: Unset): void {
  for (const name of unmatched) {
    if (buildArgs.some(({ key }) => key === name) || name.startsWith('BUILDKIT_SBOM_SCAN_')) continue;
    const match = suggestion(name, env.keys()).replace('(did you mean ', '(did you mean $');
    linter.note('UndefinedVar', place, `Usage of undefined variable '$${name}'${match}`);
  }
}

/** The one before is the one without effect. */
export function usedOnce(
  { once }: Stage,
  instruction: InstructionOf<'cmd' | 'entrypoint' | 'healthcheck'>,
  linter: Linter,
): void {
  const { kind, name, place } = instruction;
  const before = once.get(kind);
  if (before !== undefined) {
    const why = 'should not be used in the same stage because only the last one will be used';
    linter.note('MultipleInstructionsDisallowed', before, `Multiple ${name} instructions ${why}`);
  }
  once.set(kind, place);
}

export interface FromWords {
  unmatched: ReadonlySet<string>;
  place: Place;
  linter: Linter;
  globals: Environment;
  /** Names of ARG. */
  declared: readonly string[];
}

/** Variables of a FROM that no ARG before it has named. */
export function undeclaredInFrom({ unmatched, place, linter, globals, declared }: FromWords): void {
  const known = [...declared, ...globals.keys()];
  for (const name of unmatched) {
    if (known.includes(name)) continue;
    const match = suggestion(name, known);
    linter.note('UndefinedArgInFrom', place, `FROM argument '${name}' is not declared${match}`);
  }
}

interface PlatformWords extends Pick<FromWords, 'place' | 'linter' | 'globals'> {
  lexed: Lexed;
}

/** `--platform` that says what is so anyway, or what should not be fixed. */
export function checkFromPlatform(written: string, stageName: string, words: PlatformWords): void {
  const { lexed, place, linter, globals } = words;
  const { matched, unmatched, text } = lexed;
  if (matched.size === 1 && unmatched.size === 0 && matched.has('TARGETPLATFORM')) {
    if (text !== globals.get('TARGETPLATFORM')) return;
    const why = 'in FROM is redundant as this is the default behavior';
    linter.note('RedundantTargetPlatform', place, `Setting platform to predefined ${written} ${why}`);
  }
  if (matched.size > 0 || unmatched.size > 0) return;
  const platform = readPlatform(text);
  if (platform === undefined) return;
  if (stageName.includes(platform.os) || stageName.includes(platform.architecture)) return;
  const detail = `FROM --platform flag should not use constant value ${quote(text)}`;
  linter.note('FromPlatformFlagConstDisallowed', place, detail);
}

function readPlatform(text: string): Platform | undefined {
  try {
    return parsePlatform(text);
  } catch (error) {
    if (error instanceof WherryError) return undefined;
    throw error;
  }
}

interface BasePlatform {
  base: string;
  expected: Platform;
  actual: Platform;
  place: Place;
  linter: Linter;
}

export function checkBasePlatform({ base, expected, actual, place, linter }: BasePlatform): void {
  if (expected.os === actual.os && expected.architecture === actual.architecture) return;
  const [wanted, found] = [expected, actual].map((platform) => quote(formatPlatform(normalize(platform))));
  const detail = `Base image ${base} was pulled with platform ${found}, expected ${wanted} for current build`;
  linter.note('InvalidBaseImagePlatform', place, detail);
}
