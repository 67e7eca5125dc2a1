/** Arguments before the first FROM, and those that are there by themselves: TARGETPLATFORM and its kin. */
import { variables } from '#build/dockerfile/environment.ts';
import { placed } from '#build/dockerfile/fault.ts';
import type { DockerfileText } from '#build/dockerfile/file.ts';
import { allOf } from '#build/dockerfile/naming.ts';
import type { PlanRequest } from '#build/dockerfile/request.ts';
import { type Environment, lex } from '#build/dockerfile/words.ts';
import type { Platform } from '#oci/manifest.ts';
import { formatPlatform } from '#oci/platform.ts';

export interface Globals {
  values: Environment;
  /** Names of ARG. */
  declared: string[];
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
  return {
    declared,
    defaults: orNothing(() => declare(file, predefined, {})),
    values: declare(file, predefined, given.request.buildArgs),
  };
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

function declare(file: DockerfileText, start: Values, buildArgs: Readonly<Record<string, string>>): Environment {
  const values = variables(start);
  for (const { pairs, place } of file.globals) {
    for (const { key, value: written } of pairs) {
      const given = Object.hasOwn(buildArgs, key) ? buildArgs[key] : undefined;
      const read = () => (written === undefined ? undefined : lex(written, values, { token: file.token }).text);
      const value = given ?? placed(place, read);
      if (value !== undefined) values.set(key, value);
    }
  }
  return values;
}
