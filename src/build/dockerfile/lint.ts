/** Build checks: BuildKit's rules (frontend/dockerfile/linter) with their names, words and pages. */
import { quote } from '#base/go-quote.ts';
import { parseBool } from '#base/units.ts';
import { parseDirective } from '#build/dockerfile/directives.ts';
import { wrong } from '#build/dockerfile/fault.ts';
import type { LintWarning, Place } from '#build/vertex.ts';

interface Rule {
  description: string;
  /** Its page, below PAGES; none for what only shows with an image. */
  page?: string;
  /** Only when it is asked for. */
  experimental?: boolean;
}

const PAGES = 'https://docs.docker.com/go/dockerfile/rule/';

const rules = <Name extends string>(table: Record<Name, Rule>) => table;

const RULES = rules({
  StageNameCasing: { description: 'Stage names should be lowercase', page: 'stage-name-casing' },
  FromAsCasing: {
    description: "The 'as' keyword should match the case of the 'from' keyword",
    page: 'from-as-casing',
  },
  NoEmptyContinuation: {
    description: 'Empty continuation lines will become errors in a future release',
    page: 'no-empty-continuation',
  },
  ConsistentInstructionCasing: {
    description: 'All commands within the Dockerfile should use the same casing (either upper or lower)',
    page: 'consistent-instruction-casing',
  },
  DuplicateStageName: { description: 'Stage names should be unique', page: 'duplicate-stage-name' },
  ReservedStageName: {
    description: 'Reserved words should not be used as stage names',
    page: 'reserved-stage-name',
  },
  JSONArgsRecommended: {
    description: 'JSON arguments recommended for ENTRYPOINT/CMD to prevent unintended behavior related to OS signals',
    page: 'json-args-recommended',
  },
  MaintainerDeprecated: {
    description: 'The MAINTAINER instruction is deprecated, use a label instead to define an image author',
    page: 'maintainer-deprecated',
  },
  UndefinedArgInFrom: { description: 'FROM command must use declared ARGs', page: 'undefined-arg-in-from' },
  WorkdirRelativePath: {
    description:
      'Relative workdir without an absolute workdir declared within the build can have unexpected results if the base image changes',
    page: 'workdir-relative-path',
  },
  UndefinedVar: { description: 'Variables should be defined before their use', page: 'undefined-var' },
  MultipleInstructionsDisallowed: {
    description: 'Multiple instructions of the same type should not be used in the same stage',
    page: 'multiple-instructions-disallowed',
  },
  LegacyKeyValueFormat: {
    description: 'Legacy key/value format with whitespace separator should not be used',
    page: 'legacy-key-value-format',
  },
  InvalidBaseImagePlatform: { description: 'Base image platform does not match expected target platform' },
  RedundantTargetPlatform: {
    description: 'Setting platform to predefined $TARGETPLATFORM in FROM is redundant as this is the default behavior',
    page: 'redundant-target-platform',
  },
  SecretsUsedInArgOrEnv: {
    description: 'Sensitive data should not be used in the ARG or ENV commands',
    page: 'secrets-used-in-arg-or-env',
  },
  InvalidDefaultArgInFrom: {
    description: 'Default value for global ARG results in an empty or invalid base image name',
    page: 'invalid-default-arg-in-from',
  },
  FromPlatformFlagConstDisallowed: {
    description: 'FROM --platform flag should not use a constant value',
    page: 'from-platform-flag-const-disallowed',
  },
  CopyIgnoredFile: {
    description: 'Attempting to Copy file that is excluded by .dockerignore',
    page: 'copy-ignored-file',
    experimental: true,
  },
  InvalidDefinitionDescription: {
    description:
      'Comment for build stage or argument should follow the format: `# <arg/stage name> <description>`. If this is not intended to be a description comment, add an empty line or comment between the instruction and the comment.',
    page: 'invalid-definition-description',
    experimental: true,
  },
  ExposeProtoCasing: {
    description: 'Protocol in EXPOSE instruction should be lowercase',
    page: 'expose-proto-casing',
  },
  ExposeInvalidFormat: {
    description:
      'IP address and host-port mapping should not be used in EXPOSE instruction. This will become an error in a future release',
    page: 'expose-invalid-format',
  },
});

type RuleName = keyof typeof RULES;

interface Choice {
  skip: ReadonlySet<string> | 'all';
  experimental: ReadonlySet<string> | 'all';
  /** A warning ends the build. */
  error: boolean;
}

export interface Linter {
  /** Notes what is wrong at a place, unless the rule is switched off. */
  note(rule: RuleName, place: Place, detail: string): void;
  /** The same with what `# check=` above an instruction adds. */
  under(comments: readonly string[]): Linter;
  /** Throws where warnings were asked to be errors. */
  check(): void;
}

/** What `# check=skip=A,B;error=true` says. Throws kind `invalid` in BuildKit's words. */
function parseChoice(text: string): Choice {
  const choice: Choice = { skip: new Set(), experimental: new Set(), error: false };
  if (text.trim() === '') return choice;
  const [first = '', second, ...rest] = text.trim().split(';');
  const parts = [first, ...(second === undefined ? [] : [second]), ...(rest.length > 0 ? [rest.join(';')] : [])];
  for (const part of parts) {
    const at = part.indexOf('=');
    if (at < 0) throw wrong(`invalid check option ${quote(part)}`);
    const key = part.slice(0, at).trim();
    const value = part.slice(at + 1).trim();
    if (key === 'skip') choice.skip = asSet(value);
    else if (key === 'experimental') choice.experimental = asSet(value);
    else if (key === 'error') choice.error = asBool(part, value);
    else throw wrong(`invalid check option ${quote(key)}`);
  }
  return choice;
}

function asSet(value: string): ReadonlySet<string> | 'all' {
  return value === 'all' ? 'all' : new Set(value.split(',').map((name) => name.trim()));
}

function asBool(part: string, value: string): boolean {
  const read = parseBool(value);
  if (read !== undefined) return read;
  const why = `strconv.ParseBool: parsing ${quote(value)}: invalid syntax`;
  throw wrong(`failed to parse check option ${quote(part)}: ${why}`);
}

function join(one: Choice['skip'], other: Choice['skip']): Choice['skip'] {
  return one === 'all' || other === 'all' ? 'all' : new Set([...one, ...other]);
}

const has = (set: Choice['skip'], name: string) => set === 'all' || set.has(name);

/**
 * `options` is the value of the directive `# check=`, or of BUILDKIT_DOCKERFILE_CHECK. Warnings are put into the list,
 * so that they are there also when the file turns out to be wrong.
 */
export function startLinter(options: string | undefined, warnings: LintWarning[]): Linter {
  try {
    return linterOf(parseChoice(options ?? ''), warnings, new Set());
  } catch (error) {
    throw wrong(`failed to parse check options: ${(error as Error).message}`);
  }
}

function linterOf(choice: Choice, warnings: LintWarning[], called: Set<string>): Linter {
  return {
    note: (rule, place, detail) => {
      const { description, page, experimental } = RULES[rule] as Rule;
      if (experimental ? !has(choice.experimental, rule) : has(choice.skip, rule)) return;
      called.add(rule);
      const url = page === undefined ? '' : `${PAGES}${page}/`;
      warnings.push({ rule, description, url, detail, place: [place] });
    },
    under: (comments) => {
      const own = ownChoice(comments);
      if (own === undefined) return linterOf(choice, warnings, called);
      const skip = join(choice.skip, own.skip);
      return linterOf({ ...choice, skip, experimental: join(choice.experimental, own.experimental) }, warnings, called);
    },
    check: () => {
      if (!choice.error || called.size === 0) return;
      throw wrong(`lint violation found for rules: ${[...called].join(', ')}`);
    },
  };
}

/** The first `check=` of comments; one that can't be read says nothing. */
function ownChoice(comments: readonly string[]): Choice | undefined {
  for (const comment of comments) {
    const directive = parseDirective(comment);
    if (directive?.name !== 'check') continue;
    try {
      return parseChoice(directive.value.split(' ', 1)[0] ?? '');
    } catch {
      return undefined;
    }
  }
  return undefined;
}
