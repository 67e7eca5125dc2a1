/** Variables of a stage: what comes again goes to the end, as in BuildKit. */
import type { Environment } from '#build/dockerfile/words.ts';

export interface Variables extends Environment {
  set(name: string, value: string): void;
  copy(): Variables;
  /** `NAME=value`, in order. */
  entries(): string[];
}

export function variables(start: Iterable<readonly [string, string]> = []): Variables {
  const values = new Map(start);
  return {
    get: (name) => values.get(name),
    keys: () => [...values.keys()],
    set: (name, value) => {
      values.delete(name);
      values.set(name, value);
    },
    copy: () => variables(values),
    entries: () => [...values].map(([name, value]) => `${name}=${value}`),
  };
}

/** `NAME=value`, or a name alone. */
export function splitVariable(entry: string): [name: string, value: string] {
  const at = entry.indexOf('=');
  return at < 0 ? [entry, ''] : [entry.slice(0, at), entry.slice(at + 1)];
}

/** With others looked at first. */
export function masked(base: Environment, mask: ReadonlyMap<string, string>): Environment {
  return {
    get: (name) => mask.get(name) ?? base.get(name),
    keys: () => [...base.keys().filter((name) => !mask.has(name)), ...mask.keys()],
  };
}
