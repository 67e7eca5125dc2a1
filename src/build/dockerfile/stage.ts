/** Stages: what they are built on, what they take files from, and which of them a target needs. */
import { quote } from '#base/go-quote.ts';
import { type Variables, variables } from '#build/dockerfile/environment.ts';
import { DockerfileError, withPlaces, wrong, wrongAt } from '#build/dockerfile/fault.ts';
import { emptyImage, type StageImage } from '#build/dockerfile/image.ts';
import { type ArgPair, type Instruction, readInstruction } from '#build/dockerfile/instructions.ts';
import { mountFrom } from '#build/dockerfile/mount.ts';
import { copyNotes, type Notes, newNotes } from '#build/dockerfile/outline.ts';
import { parseDockerfile } from '#build/dockerfile/parse.ts';
import type { NamedContext } from '#build/dockerfile/request.ts';
import { suggestion } from '#build/dockerfile/text.ts';
import { lex, NO_VARIABLES } from '#build/dockerfile/words.ts';
import type { Place } from '#build/vertex.ts';
import type { Platform } from '#oci/manifest.ts';

export interface Command {
  instruction: Instruction;
  /** The stages that it takes files from: one for COPY --from, one for each mount of RUN. */
  sources: (Stage | undefined)[];
  isOnbuild: boolean;
}

export interface Stage {
  /** As written, variables put in. */
  base: string;
  baseStage?: Stage;
  /** '' where it has none. */
  name: string;
  /** How it is shown: its name, `stage-0`, or '' where it is the only one. */
  label: string;
  /** Undefined for what COPY --from or a mount names and no stage is. */
  place: Place | undefined;
  comments: readonly string[];
  /** The FROM as it is written. */
  code: string;
  instructions: readonly Instruction[];
  commands: Command[];
  dependencies: Map<Stage, Place>;
  /** `--platform`, and once it is resolved the platform it is built on. */
  platform?: Platform;
  context?: { name: string; value: NamedContext };
  ignoreCache: boolean;
  /** Named by COPY --from or a mount alone. */
  isImplicit: boolean;
  isResolved: boolean;
  isDispatched: boolean;
  hasTriggers: boolean;

  /** The tree that its instructions have made up to now: a vertex. */
  tree: number;
  image: StageImage;
  env: Variables;
  cwd: string;
  user: string;
  buildArgs: Pick<ArgPair, 'key' | 'value'>[];
  workdirSet: boolean;
  /** Where the one before stands, of what only counts once. */
  once: Map<'cmd' | 'entrypoint' | 'healthcheck', Place>;
  /** Steps, for `2/5`. */
  steps: { total: number; done: number };
  /** What its comment says. */
  description: string;
  notes: Notes;
  /** What other stages read of it; one with its base stage. */
  paths: Set<string>;
}

export function newStage(about: Pick<Stage, 'base' | 'place'> & Partial<Stage>, platform: Platform): Stage {
  return {
    name: '',
    label: '',
    comments: [],
    code: '',
    instructions: [],
    commands: [],
    dependencies: new Map(),
    ignoreCache: false,
    isImplicit: false,
    isResolved: false,
    isDispatched: false,
    hasTriggers: false,
    tree: -1,
    image: emptyImage(platform),
    env: variables(),
    cwd: '',
    user: '',
    buildArgs: [],
    workdirSet: false,
    once: new Map(),
    steps: { total: 0, done: 0 },
    description: '',
    notes: newNotes(),
    paths: new Set(),
    ...about,
  };
}

/** Stages in the order of the file, behind them images that are named elsewhere. */
export interface Stages {
  all: Stage[];
  byName: Map<string, Stage>;
  platform: Platform;
}

/** A stage may be named as an earlier one: later lines mean the later. */
export function addStage({ all, byName }: Stages, stage: Stage): void {
  all.push(stage);
  const base = byName.get(stage.base);
  if (base !== undefined && stage.context === undefined) {
    stage.baseStage = base;
    stage.notes = copyNotes(base.notes);
  }
  if (stage.name !== '') byName.set(stage.name.toLowerCase(), stage);
}

export function findTarget({ all, byName }: Stages, target: string | undefined): Stage {
  const last = all.findLast(({ isImplicit }) => !isImplicit);
  if (last === undefined) throw wrong('dockerfile contains no stages to build');
  if (target === undefined || target === '') return last;
  const names = all.flatMap(({ label }) => (label === '' ? [] : [label]));
  return (
    byName.get(target.toLowerCase()) ??
    refuse(`target stage ${quote(target)} could not be found${suggestion(target, names)}`)
  );
}

function refuse(message: string): never {
  throw wrong(message);
}

/** Ties instructions to the stages that they take files from. */
export function linkStages(stages: Stages, token: string): void {
  for (const stage of [...stages.all]) {
    stage.commands = stage.instructions.map((instruction) => linkCommand(stages, stage, { instruction, token }));
  }
  refuseCircles(stages.all);
  const [only] = stages.all;
  if (stages.all.length === 1 && only !== undefined && !hasBareMounts(only)) only.label = '';
}

/** BuildKit counts an empty stage more for mounts that name none, and shows the name of a stage that isn't alone. */
function hasBareMounts({ instructions }: Stage): boolean {
  return instructions.some((step) => step.kind === 'run' && step.mounts.some((mount) => mountFrom(mount) === ''));
}

interface Linked {
  instruction: Instruction;
  token: string;
  isOnbuild?: boolean;
}

function linkCommand(stages: Stages, stage: Stage, { instruction, token, isOnbuild = false }: Linked): Command {
  const sources = sourcesOf(stages, instruction, token);
  for (const source of sources) {
    if (source === undefined) continue;
    stage.dependencies.set(source, instruction.place);
    if (source.isImplicit && !stages.all.includes(source)) addStage(stages, source);
  }
  return { instruction, sources, isOnbuild };
}

function sourcesOf(stages: Stages, instruction: Instruction, token: string): Command['sources'] {
  if (instruction.kind === 'run') {
    return instruction.mounts.map((mount) => {
      const from = mountFrom(mount);
      // Without a source it can be a cache: that begins empty.
      return from === '' ? undefined : (stages.byName.get(from.toLowerCase()) ?? implicit(stages, from));
    });
  }
  if (instruction.kind !== 'copy' || instruction.from === '') return [];
  return [copySource(stages, instruction.from, { place: instruction.place, token })];
}

function copySource(stages: Stages, from: string, { place, token }: { place: Place; token: string }): Stage {
  if (lex(from, NO_VARIABLES, { token }).text !== from) {
    const instead = 'define a new stage with FROM using ARG from global scope as a workaround';
    throw wrong(`variable expansion is not supported for --from, ${instead}`);
  }
  if (!/^[+-]?\d+$/.test(from)) return stages.byName.get(from.toLowerCase()) ?? implicit(stages, from, place);
  return stages.all[Number(from)] ?? refuse(`invalid stage index ${Number(from)}`);
}

function implicit({ platform }: Stages, base: string, place?: Place): Stage {
  return newStage({ base, place, isImplicit: true }, platform);
}

function refuseCircles(all: readonly Stage[]): void {
  const seen = new Set<Stage>();
  const path = new Set<Stage>();
  const visit = (stage: Stage, places: readonly Place[]): readonly Place[] | undefined => {
    if (seen.has(stage)) return undefined;
    seen.add(stage);
    path.add(stage);
    for (const [dependency, place] of stage.dependencies) {
      const next = [...places, place];
      const circle = path.has(dependency) ? next : visit(dependency, next);
      if (circle !== undefined) return circle;
    }
    path.delete(stage);
    return undefined;
  };
  for (const stage of all) {
    const circle = visit(stage, []);
    if (circle === undefined) continue;
    throw new DockerfileError(`circular dependency detected on stage: ${stage.label}`, circle);
  }
}

/** A stage with all that it needs. */
export function reachable(target: Stage): Set<Stage> {
  const found = new Set<Stage>();
  const open = [target];
  for (let stage = open.pop(); stage !== undefined; stage = open.pop()) {
    if (found.has(stage)) continue;
    found.add(stage);
    if (stage.baseStage !== undefined) open.push(stage.baseStage);
    open.push(...stage.dependencies.keys());
  }
  return found;
}

/** Puts ONBUILD triggers of the base before a stage's own instructions. Do they need further stages? */
export function addTriggers(stages: Stages, stage: Stage, triggers: readonly string[], token: string): boolean {
  const place = stage.place ?? { start: 0, end: 0 };
  try {
    const commands = triggers.map((trigger) => triggerOf(stages, stage, { trigger, place, token }));
    stage.commands = [...commands, ...stage.commands];
    stage.steps.total += commands.length;
    return commands.some(({ sources }) => sources.length > 0);
  } catch (error) {
    throw withPlaces(error, [place]);
  }
}

interface Trigger {
  trigger: string;
  place: Place;
  token: string;
}

function triggerOf(stages: Stages, stage: Stage, { trigger, place, token }: Trigger): Command {
  const { lines } = parseDockerfile(trigger);
  const [line] = lines;
  if (line === undefined || lines.length !== 1) throw wrong('onbuild trigger should be a single expression');
  const instruction = readInstruction({ ...line, place });
  if (instruction.kind === 'from') throw wrongAt(place, '*instructions.Stage is not a command type');
  return linkCommand(stages, stage, { instruction, token, isOnbuild: true });
}

/** A stage begins as the one below it ends. */
export function inherit(stage: Stage): void {
  const { baseStage: base } = stage;
  if (base === undefined) return;
  stage.tree = base.tree;
  if (base.platform !== undefined) stage.platform = base.platform;
  stage.image = structuredClone(base.image);
  // Triggers are for what is built on the finished image.
  delete stage.image.config.OnBuild;
  stage.env = base.env.copy();
  stage.cwd = base.cwd;
  stage.user = base.user;
  stage.paths = base.paths;
  stage.workdirSet = base.workdirSet;
  stage.buildArgs = [...base.buildArgs];
}
