/** What each instruction does to its stage: settings, history, and for some a vertex (BuildKit's dockerfile2llb). */
import { quote, quoteLetter } from '#base/go-quote.ts';
import { formatDuration } from '#base/units.ts';
import { undefinedVariables, usedOnce } from '#build/dockerfile/checks.ts';
import { exposedPorts } from '#build/dockerfile/expose.ts';
import { withPlace, wrong } from '#build/dockerfile/fault.ts';
import { asPlaces } from '#build/dockerfile/graph.ts';
import { addHistory, setVariable } from '#build/dockerfile/image.ts';
import type { Instruction, InstructionOf, Meaning } from '#build/dockerfile/instructions.ts';
import type { Linter } from '#build/dockerfile/lint.ts';
import { shownCommand, stepName } from '#build/dockerfile/naming.ts';
import type { ArgNote } from '#build/dockerfile/outline.ts';
import { runCommand } from '#build/dockerfile/run.ts';
import type { Command, Stage } from '#build/dockerfile/stage.ts';
import { type Scope, type Step, setWorkdir, withShell } from '#build/dockerfile/step.ts';
import { isSignalNumber } from '#build/dockerfile/text.ts';
import { transfer } from '#build/dockerfile/transfer.ts';
import { type LexOptions, lex } from '#build/dockerfile/words.ts';

/** Throws DockerfileError, with the instruction's place. */
export function dispatch(scope: Scope, stage: Stage, command: Command): void {
  const { instruction } = command;
  const linter = scope.linter.under(instruction.comments);
  const step: Step = { scope, stage, command, linter, ...reader(scope, stage, instruction, linter) };
  try {
    const run = EFFECTS[instruction.kind] as (step: Step, instruction: Instruction) => void;
    run(step, instruction);
  } catch (error) {
    throw withPlace(error, instruction.place);
  }
}

type Read = Pick<Step, 'expand' | 'expandText'>;

function reader({ token }: Scope, stage: Stage, { place }: Instruction, linter: Linter): Read {
  const read = (word: string, options: LexOptions) => {
    const unmatched = new Set<string>();
    try {
      return lex(word, stage.env, { ...options, unmatched }).text;
    } finally {
      undefinedVariables(stage, { unmatched, place, linter });
    }
  };
  return { expand: (word) => read(word, { token }), expandText: (text) => read(text, { skipQuotes: true }) };
}

type Effects = { [Kind in Meaning['kind']]: (step: Step, instruction: InstructionOf<Kind>) => void };

const EFFECTS: Effects = {
  add: transfer,
  arg: declareArguments,
  cmd: setCommand,
  copy: transfer,
  entrypoint: setEntrypoint,
  env: setVariables,
  expose: (step, { values, place }) => {
    const { scope, stage, linter } = step;
    const words = values.flatMap((value) => lex(value, stage.env, { token: scope.token }).words);
    const ports = exposedPorts(words, place, linter);
    const { config } = stage.image;
    config.ExposedPorts = { ...config.ExposedPorts, ...asSet(ports) };
    note(step, `EXPOSE ${listed(ports)}`);
  },
  from: () => undefined,
  healthcheck: setHealthcheck,
  label: setLabels,
  maintainer: (step, { value }) => {
    step.stage.image.author = value;
    note(step, `MAINTAINER ${value}`);
  },
  onbuild: ({ stage }, { expression }) => {
    const { config } = stage.image;
    config.OnBuild = [...(config.OnBuild ?? []), expression];
  },
  run: runCommand,
  shell: (step, { values }) => {
    step.stage.image.config.Shell = values;
    note(step, `SHELL ${listed(values)}`);
  },
  stopsignal: (step, { value }) => {
    const signal = step.expand(value);
    if (signal === '') throw wrong('invalid signal: ');
    if (!isSignalNumber(signal)) step.scope.request.checkSignal(signal);
    step.stage.image.config.StopSignal = signal;
    note(step, `STOPSIGNAL ${signal}`);
  },
  user: (step, { value }) => {
    const user = step.expand(value);
    step.stage.user = user;
    step.stage.image.config.User = user;
    note(step, `USER ${user}`);
  },
  volume: (step, { values }) => {
    const paths = values.map(step.expand);
    if (paths.includes('')) throw wrong('VOLUME specified can not be an empty string');
    const { config } = step.stage.image;
    config.Volumes = { ...config.Volumes, ...asSet(paths) };
    note(step, `VOLUME ${listed(paths)}`);
  },
  workdir: (step, instruction) => makeWorkdir(step, instruction),
};

const asSet = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, {}]));

/** Go's %v of a list. */
const listed = (values: readonly string[]) => `[${values.join(' ')}]`;

/** Go's %q of a list. */
const quoted = (values: readonly string[]) => listed(values.map((value) => quote(value)));

function note({ scope, stage }: Step, createdBy: string, layer = false): void {
  addHistory(stage.image, createdBy, { layer, epoch: scope.epoch });
}

function setVariables(step: Step, { pairs, name, place }: InstructionOf<'env'>): void {
  const { stage, linter } = step;
  const expanded = pairs.map(({ key, value, legacy }) => ({
    key: step.expand(key),
    value: step.expand(value),
    legacy,
  }));
  for (const { key, value, legacy } of expanded) {
    if (legacy) noteLegacy(linter, { name, place });
    noteSecret(linter, { instruction: 'ENV', key, place });
    stage.env.set(key, value);
    setVariable(stage.image.config, key, value);
  }
  note(step, ['ENV', ...expanded.map(({ key, value }) => `${key}=${value}`)].join(' '));
}

function setLabels(step: Step, { pairs, name, place }: InstructionOf<'label'>): void {
  const { stage, linter } = step;
  const expanded = pairs.map(({ key, value, legacy }) => ({
    key: step.expand(key),
    value: step.expand(value),
    legacy,
  }));
  const labels = { ...stage.image.config.Labels };
  for (const { key, value, legacy } of expanded) {
    if (legacy) noteLegacy(linter, { name, place });
    labels[key] = value;
  }
  stage.image.config.Labels = labels;
  note(step, ['LABEL', ...expanded.map(({ key, value }) => `${key}=${value}`)].join(' '));
}

function noteLegacy(linter: Linter, { name, place }: Pick<Instruction, 'name' | 'place'>): void {
  const detail = `"${name} key=value" should be used instead of legacy "${name} key value" format`;
  linter.note('LegacyKeyValueFormat', place, detail);
}

const SECRET = /(?:_|^)(?:apikey|auth|credential|credentials|key|password|pword|passwd|secret|token)(?:_|$)/i;
const PUBLIC = /(?:_|^)public(?:_|$)/i;

function noteSecret(linter: Linter, about: { instruction: string; key: string; place: Instruction['place'] }): void {
  const { instruction, key, place } = about;
  if (!SECRET.test(key) || PUBLIC.test(key)) return;
  const detail = `Do not use ARG or ENV instructions for sensitive data (${instruction} ${quote(key)})`;
  linter.note('SecretsUsedInArgOrEnv', place, detail);
}

/** They name stages of a scan, and are in no environment. */
const NO_VARIABLE = new Set(['BUILDKIT_SBOM_SCAN_CONTEXT', 'BUILDKIT_SBOM_SCAN_STAGE']);

function declareArguments(step: Step, { pairs, place }: InstructionOf<'arg'>): void {
  const { scope, stage, linter } = step;
  const shown: string[] = [];
  for (const { key, value: written, description } of pairs) {
    noteSecret(linter, { instruction: 'ARG', key, place });
    const { buildArgs } = scope.request;
    const given = Object.hasOwn(buildArgs, key) ? buildArgs[key] : undefined;
    const value = given ?? (written === undefined ? scope.globals.get(key) : step.expand(written));
    if (value !== undefined && !NO_VARIABLE.has(key)) stage.env.set(key, value);
    stage.buildArgs.push({ key, value });
    noteArgument(
      stage,
      { name: key, value: value ?? '', description, place },
      given === undefined && written === undefined && value !== undefined,
    );
    shown.push(value === undefined ? key : `${key}=${value}`);
  }
  note(step, `ARG ${shown.join(' ')}`);
}

/** One that is taken from before the first FROM keeps what was said there. */
function noteArgument({ notes }: Stage, about: Omit<ArgNote, 'uses'>, isInherited: boolean): void {
  notes.used.add(about.name);
  if (!isInherited) notes.args.set(about.name, { ...about, uses: new Set() });
}

function commandLine(step: Step, { args, shell, name, place }: InstructionOf<'cmd' | 'entrypoint'>): string[] {
  if (!shell) return args;
  const { config } = step.stage.image;
  if (!config.Shell?.length) {
    const why = 'to prevent unintended behavior related to OS signals';
    step.linter.note('JSONArgsRecommended', place, `JSON arguments recommended for ${name} ${why}`);
  }
  return withShell(step.stage, args);
}

function setCommand(step: Step, instruction: InstructionOf<'cmd'>): void {
  usedOnce(step.stage, instruction, step.linter);
  const args = commandLine(step, instruction);
  const { config } = step.stage.image;
  config.Cmd = args;
  config.ArgsEscaped = true;
  note(step, `CMD ${quoted(args)}`);
}

function setEntrypoint(step: Step, instruction: InstructionOf<'entrypoint'>): void {
  usedOnce(step.stage, instruction, step.linter);
  const args = commandLine(step, instruction);
  const { config } = step.stage.image;
  config.Entrypoint = args;
  // A command that came with the base was meant for another entrypoint.
  if (!step.stage.once.has('cmd')) config.Cmd = null;
  note(step, `ENTRYPOINT ${quoted(args)}`);
}

function setHealthcheck(step: Step, instruction: InstructionOf<'healthcheck'>): void {
  usedOnce(step.stage, instruction, step.linter);
  const { health } = instruction;
  step.stage.image.config.Healthcheck = health;
  const times = [health.Interval, health.Timeout, health.StartPeriod, health.StartInterval];
  const shown = times.map((time) => quote(formatDuration(time ?? 0)));
  // As Go's %q writes the structure: a count becomes a letter.
  const parts = [quoted(health.Test ?? []), ...shown, quoteLetter(health.Retries ?? 0)];
  note(step, `HEALTHCHECK &{${parts.join(' ')}}`);
}

function makeWorkdir(step: Step, { value, code, place }: InstructionOf<'workdir'>): void {
  const { scope, stage, linter, command } = step;
  const path = step.expand(value);
  if (!stage.workdirSet && !path.startsWith('/')) {
    const detail = `Relative workdir ${quote(path)} can have unexpected results if the base image changes`;
    linter.note('WorkdirRelativePath', place, detail);
  }
  stage.workdirSet = true;
  const workdir = setWorkdir(stage, path);
  const platform = stage.platform ?? scope.platform;
  if (workdir !== '/') {
    const { showPlatform, token } = scope;
    const shown = shownCommand(code, stage.env, { token });
    const naming = { stage, platform, env: stage.env, showPlatform, isOnbuild: command.isOnbuild };
    const { User: user } = stage.image.config;
    stage.tree = scope.graph.add({
      op: 'file',
      name: stepName(naming, shown),
      command: shown,
      ...(stage.label === '' ? {} : { stage: stage.label }),
      ...asPlaces(place),
      inputs: [stage.tree],
      platform,
      actions: [{ action: 'mkdir', target: workdir, mode: 0o755, ...(user ? { owner: user } : {}) }],
    });
  }
  note(step, `WORKDIR ${workdir}`, workdir !== '/');
}
