/** The targets that a bake is about: names and patterns, groups, what targets inherit, and what they are linked to. */
import { globOf } from '#base/glob.ts';
import type { Definition, Group, Target } from '#build/bake/fields.ts';
import { mergeTargets, normalize } from '#build/bake/merge.ts';
import { applyOverrides, type Overrides } from '#build/bake/override.ts';
import { invalid } from '#build/bake/value.ts';

export interface Baked {
  groups: Record<string, Group>;
  /** With `context` and `dockerfile`, by name in no order. */
  targets: Record<string, Target>;
  /** Targets that are built only because others are linked to them. */
  linked: Set<string>;
}

/** Throws kind `invalid` in buildx's words. */
export function resolveTargets(definition: Definition, names: readonly string[], overrides: Overrides): Baked {
  const wanted = [...new Set(names.flatMap((name) => matching(definition, name.replaceAll('.', '_'))))];
  const targets: Record<string, Target> = {};
  const groups: Record<string, Group> = {};
  for (const name of wanted) {
    const members = membersOf(definition, name);
    for (const target of members.targets) targets[target] = resolveTarget(definition, target, overrides);
    for (const group of members.groups) groups[group] = definition.groups.get(group) ?? { targets: [] };
  }
  const all = groups.default?.targets ?? [];
  const others = wanted.filter((name) => name !== 'default' || groups.default === undefined);
  groups.default = { ...groups.default, targets: [...new Set([...all, ...others])].sort() };
  const linked = new Set<string>();
  for (const [name, target] of Object.entries(targets)) {
    loadLinks({ definition, overrides, targets, linked }, [name, target], []);
  }
  return { groups, targets, linked };
}

function matching({ groups, targets }: Definition, pattern: string): string[] {
  if (!/[*?[\]]/.test(pattern)) return [pattern];
  const found = [...groups.keys(), ...targets.keys()].filter((name) => globOf(pattern).test(name));
  if (found.length === 0) throw invalid(`could not find any target matching ${JSON.stringify(pattern)}`);
  return found;
}

function membersOf({ groups }: Definition, name: string): { targets: string[]; groups: string[] } {
  const found = { targets: new Set<string>(), groups: new Set<string>() };
  const visit = (member: string) => {
    const group = groups.get(member);
    if (group === undefined) {
      found.targets.add(member);
    } else if (!found.groups.has(member)) {
      found.groups.add(member);
      group.targets.forEach(visit);
    }
  };
  visit(name);
  return { targets: [...found.targets], groups: [...found.groups] };
}

function resolveTarget(definition: Definition, name: string, overrides: Overrides): Target {
  const { inherits: _, ...target } = inherited(definition, name, { overrides, visited: new Map() }) ?? {};
  return { ...target, context: target.context ?? '.', dockerfile: target.dockerfile || 'Dockerfile' };
}

interface Visit {
  overrides: Overrides;
  /** undefined: it is being resolved, and whoever inherits from it in a circle gets nothing. */
  visited: Map<string, Target | undefined>;
}

function inherited(definition: Definition, name: string, visit: Visit): Target | undefined {
  if (visit.visited.has(name)) return visit.visited.get(name);
  visit.visited.set(name, undefined);
  const own = definition.targets.get(name);
  if (own === undefined) throw invalid(`failed to find target ${name}`);
  let base: Target = {};
  for (const parent of own.inherits ?? []) base = mergeTargets(base, inherited(definition, parent, visit) ?? {});
  const target = normalize(applyOverrides(mergeTargets(base, own), visit.overrides.get(name)));
  visit.visited.set(name, target);
  return target;
}

interface Linking extends Pick<Baked, 'targets' | 'linked'> {
  definition: Definition;
  overrides: Overrides;
}

const LINK = 'target:';

/** The targets that another's contexts name. */
export const linksOf = ({ contexts = {} }: Target): string[] =>
  Object.values(contexts).flatMap((value) => (value.startsWith(LINK) ? [value.slice(LINK.length)] : []));

function loadLinks(linking: Linking, [name, target]: [string, Target], visited: readonly string[]): void {
  const { definition, overrides, targets, linked } = linking;
  const path = [...visited, name];
  for (const link of linksOf(target)) {
    if (link === name) throw invalid(`target ${link} cannot link to itself`);
    if (path.includes(link)) throw invalid(`infinite loop from ${name} to ${link}`);
    const other = targets[link] ?? { ...resolveTarget(definition, link, overrides), output: [{ type: 'cacheonly' }] };
    if (targets[link] === undefined) linked.add(link);
    targets[link] = other;
    loadLinks(linking, [link, other], path);
    const { entitlements = [] } = other;
    if (entitlements.length > 0) target.entitlements = [...new Set([...(target.entitlements ?? []), ...entitlements])];
    checkPlatforms([name, target], [link, other]);
  }
}

function checkPlatforms([name, { platforms = [] }]: [string, Target], [link, other]: [string, Target]): void {
  const theirs = other.platforms ?? [];
  if (platforms.length < 2 || theirs.length < 2 || platforms.every((platform) => theirs.includes(platform))) return;
  const [own, linked] = [platforms, theirs].map((list) => `[${list.join(' ')}]`);
  throw invalid(`target ${link} can't be used by ${name} because its platforms ${own} are not a subset of ${linked}`);
}
