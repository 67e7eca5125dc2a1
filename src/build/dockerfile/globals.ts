/** Arguments before the first FROM, and those that are there by themselves: TARGETPLATFORM and its kin. */

import { formatPlatform } from '#base/platform.ts';
import { type Variables, variables } from '#build/dockerfile/environment.ts';
import { placed } from '#build/dockerfile/fault.ts';
import type { DockerfileText } from '#build/dockerfile/file.ts';
import type { ArgPair } from '#build/dockerfile/instructions.ts';
import { allOf } from '#build/dockerfile/naming.ts';
import type { Notes } from '#build/dockerfile/outline.ts';
import type { PlanRequest } from '#build/dockerfile/request.ts';
import { type Environment, lex } from '#build/dockerfile/words.ts';
import type { Place } from '#build/vertex.ts';
import type { Platform } from '#oci/manifest.ts';

export interface Globals {
  values: Environment;
  /** Names of ARG. */
  declared: string[];
  notes: Notes['args'];
  /** As if no --build-arg was given. */
  defaults: Environment | undefined;
}

interface Given {
  request: PlanRequest;
  platform: Platform;
}

/** Throws DockerfileError where a value can't be put together. */
export function globalArguments(file: DockerfileText, given: Given): Globals {
  const predefined = predefinedArguments(file, given);
  const declared = file.globals.flatMap(({ pairs }) => pairs.map(({ key }) => key));
  const notes: Notes['args'] = new Map();
  const defaults = orNothing(() => declare(file, predefined, { buildArgs: {}, notes: new Map() }));
  const values = declare(file, predefined, { buildArgs: given.request.buildArgs, notes });
  return { declared, defaults, values, notes };
}

function orNothing<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}

type Values = readonly (readonly [string, string])[];

function predefinedArguments(file: DockerfileText, { request, platform }: Given): Values {
  const { buildPlatform: build, buildArgs, target } = request;
  const stage = target || file.stages.at(-1)?.from.as || 'default';
  const values = {
    BUILDPLATFORM: formatPlatform(build),
    BUILDOS: build.os,
    BUILDOSVERSION: build['os.version'] ?? '',
    BUILDARCH: build.architecture,
    BUILDVARIANT: build.variant ?? '',
    TARGETPLATFORM: allOf(platform),
    TARGETOS: platform.os,
    TARGETOSVERSION: platform['os.version'] ?? '',
    TARGETARCH: platform.architecture,
    TARGETVARIANT: platform.variant ?? '',
    TARGETSTAGE: stage,
  };
  return Object.entries(values).map(([name, value]) => [name, buildArgs[name] ?? value]);
}

interface Declaring {
  buildArgs: Readonly<Record<string, string>>;
  notes: Notes['args'];
}

function declare(file: DockerfileText, start: Values, declaring: Declaring): Environment {
  const values = variables(start);
  for (const { pairs, place } of file.globals) {
    for (const pair of pairs) placed(place, () => declareOne(values, { ...declaring, pair, place, token: file.token }));
  }
  return values;
}

interface One extends Declaring {
  pair: ArgPair;
  place: Place;
  token: string;
}

function declareOne(values: Variables, { pair, place, token, buildArgs, notes }: One): void {
  const { key, value: written, description } = pair;
  const given = Object.hasOwn(buildArgs, key) ? buildArgs[key] : undefined;
  const lexed = given === undefined && written !== undefined ? lex(written, values, { token }) : undefined;
  const value = given ?? lexed?.text;
  if (value !== undefined) values.set(key, value);
  const uses = new Set(lexed?.matched);
  // One that is made of itself is made of what it was before.
  if (uses.delete(key)) for (const used of notes.get(key)?.uses ?? []) uses.add(used);
  notes.set(key, { name: key, value: value ?? '', description, place, uses });
}
