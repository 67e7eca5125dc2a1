/** What a build can be told: arguments, secrets and agents of a target (`--call=outline`), and the targets themselves. */
import { type DockerfileText, readDockerfile } from '#build/dockerfile/file.ts';
import type { Stage } from '#build/dockerfile/stage.ts';
import type { Place } from '#build/vertex.ts';

export interface ArgNote {
  name: string;
  value: string;
  description: string;
  place: Place;
  /** Arguments that its value is made of. */
  uses: ReadonlySet<string>;
}

export interface Needed {
  name: string;
  required: boolean;
  place: Place;
}

/** What a stage has shown while it was planned. */
export interface Notes {
  args: Map<string, ArgNote>;
  used: Set<string>;
  secrets: Map<string, Needed>;
  agents: Map<string, Needed>;
}

export function newNotes(): Notes {
  return { args: new Map(), used: new Set(), secrets: new Map(), agents: new Map() };
}

export function copyNotes({ args, used, secrets, agents }: Notes): Notes {
  return { args: new Map(args), used: new Set(used), secrets: new Map(secrets), agents: new Map(agents) };
}

/** The first one that asks for it says whether it must be there. */
export function noteNeeded(known: Map<string, Needed>, needed: Needed): void {
  if (!known.has(needed.name)) known.set(needed.name, needed);
}

export interface Outline {
  name: string;
  description: string;
  args: Omit<ArgNote, 'uses'>[];
  secrets: Needed[];
  agents: Needed[];
}

export function outlineOf(target: Stage): Outline {
  const stages = [...below(target)];
  for (const { notes } of stages) for (const name of [...notes.used]) markUsed(notes, name, new Set());
  const args = firstOf(stages, ({ notes }) => [...notes.args].filter(([name]) => notes.used.has(name)));
  return {
    name: target.name,
    description: target.description,
    args: args.map(({ uses: _uses, ...arg }) => arg),
    secrets: firstOf(stages, ({ notes }) => [...notes.secrets]),
    agents: firstOf(stages, ({ notes }) => [...notes.agents]),
  };
}

/** A stage, then those it is built on and takes files from. */
function below(stage: Stage, found: Set<Stage> = new Set()): Set<Stage> {
  if (found.has(stage)) return found;
  found.add(stage);
  if (stage.baseStage !== undefined) below(stage.baseStage, found);
  for (const dependency of stage.dependencies.keys()) below(dependency, found);
  return found;
}

function markUsed(notes: Notes, name: string, seen: Set<string>): void {
  if (seen.has(name)) return;
  seen.add(name);
  notes.used.add(name);
  for (const used of notes.args.get(name)?.uses ?? []) markUsed(notes, used, seen);
}

/** Of each name the first, in the order of the file. */
function firstOf<T extends { place: Place }>(
  stages: readonly Stage[],
  entriesOf: (stage: Stage) => [string, T][],
): T[] {
  const found = new Map<string, T>();
  for (const [name, entry] of stages.flatMap(entriesOf)) if (!found.has(name)) found.set(name, entry);
  return [...found.values()].sort((one, other) => one.place.start - other.place.start);
}

export interface TargetLine {
  name: string;
  isDefault: boolean;
  description: string;
  base: string;
  platform: string;
  place: Place;
}

/** The stages of a file, as they are written. Throws DockerfileError. */
export function targetsOf(text: string): TargetLine[] {
  const { stages }: DockerfileText = readDockerfile({ text, buildArgs: {} }, []);
  return stages.map(({ from: { as, description, base, platform, place } }, index) => ({
    name: as,
    isDefault: index === stages.length - 1,
    description,
    base,
    platform,
    place,
  }));
}
