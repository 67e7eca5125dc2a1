/**
 * Where an image's bytes are asked for: the rules of containers-registries.conf(5) applied to a name. Pure; the files are
 * read by registries-conf.ts. Whatever a rule says, an image keeps the name that it was asked for by.
 */
import { WherryError } from '#base/error.ts';
import { canonical, parseReference, type Reference } from '#oci/reference.ts';

export interface Mirror {
  /** host[:port][/path] in the place of the rule's prefix. */
  location: string;
  insecure: boolean;
  /** pull-from-mirror: for which names it is asked. */
  use: 'all' | 'digest-only' | 'tag-only';
}

/** One `[[registry]]`. */
export interface RegistryRule {
  /** host[:port][/path][:tag], or `*.example.com`. */
  prefix: string;
  /** Stands in the prefix's place; empty for a `*.` prefix that changes nothing. */
  location: string;
  insecure: boolean;
  blocked: boolean;
  mirrors: Mirror[];
  /** For messages. */
  file: string;
}

export interface Alias {
  /** Complete, without tag and digest: registry.fedoraproject.org/fedora */
  target: string;
  file: string;
}

export interface Registries {
  rules: RegistryRule[];
  /** By short name: fedora */
  aliases: Map<string, Alias>;
}

export const NO_REGISTRIES: Registries = { rules: [], aliases: new Map() };

/** One place that has, or should have, what a name stands for. */
export interface Source {
  /** Whom to ask: docker.io, localhost:5000 */
  domain: string;
  /** May it speak plain HTTP, or show any certificate? */
  insecure: boolean;
  /** Not the registry itself: where it fails, the next one is asked. */
  mirror: boolean;
  /** Why it may not be asked. */
  blocked?: WherryError;
  /** The name there of a name that the rule is for. */
  at: (reference: Reference) => Reference;
  /** Of the repository there. */
  path: string;
  /** The same for the same place, whatever the tag. For messages too: mirror.test/hub */
  location: string;
}

/**
 * The places to pull a name from, in the order in which they are asked: mirrors, then the registry. A blocked registry's
 * mirrors may be asked all the same: so one is kept to them. Throws kind `denied` for what is blocked and has none.
 */
export function pullSources(registries: Registries, reference: Reference): Source[] {
  const rule = findRule(registries, reference);
  const hasDigest = reference.digest !== undefined;
  const fitting = (rule?.mirrors ?? []).filter(({ use }) => use === 'all' || (use === 'digest-only') === hasDigest);
  const mirrors = fitting.map((mirror) =>
    rewritten(registries, reference, { rule, place: { ...mirror, mirror: true } }),
  );
  return [...mirrors, mirrors.length > 0 ? itself(registries, reference) : pushTarget(registries, reference)];
}

/** The one place to push a name to, or to ask for what mirrors don't have. Throws kind `denied` for what is blocked. */
export function pushTarget(registries: Registries, reference: Reference): Source {
  const source = itself(registries, reference);
  if (source.blocked !== undefined) throw source.blocked;
  return source;
}

function itself(registries: Registries, reference: Reference): Source {
  const rule = findRule(registries, reference);
  const { location = '', insecure = false } = rule ?? {};
  const source = rewritten(registries, reference, { rule, place: { location, insecure, mirror: false } });
  return rule?.blocked ? { ...source, blocked: blocked(rule.prefix, rule) } : source;
}

/** What counts for a registry as such (login, search): may it be asked without TLS? Throws kind `denied` for what is blocked. */
export function hostRule(registries: Registries, domain: string): { insecure: boolean } {
  const rule = longest(registries, domain === 'index.docker.io' ? 'docker.io' : domain);
  if (rule?.blocked) throw blocked(rule.prefix, rule);
  const places = registries.rules.flatMap(({ prefix, location, insecure, mirrors }) => [
    { location: location || prefix, insecure },
    ...mirrors,
  ]);
  // A mirror, or what stands behind another name, has no rule of its own.
  return { insecure: rule?.insecure ?? places.some((one) => one.insecure && one.location.split('/', 1)[0] === domain) };
}

function blocked(what: string, { file }: RegistryRule): WherryError {
  return new WherryError('denied', `registry ${what} is blocked in ${file}`, {
    hint: 'Take `blocked = true` out of the file where it is not meant',
  });
}

/** A short name's complete one by the user's aliases, tag and digest kept; undefined where there is none. */
export function resolveAlias(
  { aliases }: Registries,
  text: string,
): { reference: Reference; file: string } | undefined {
  if (aliases.size === 0) return undefined;
  const name = text.replace(/@.*$/, '').replace(/:[^/:]*$/, '');
  const alias = aliases.get(name);
  if (alias === undefined) return undefined;
  return { reference: parseReference(alias.target + text.slice(name.length)), file: alias.file };
}

function findRule(registries: Registries, reference: Reference): RegistryRule | undefined {
  return longest(registries, canonical(reference));
}

function longest({ rules }: Registries, name: string): RegistryRule | undefined {
  let best: RegistryRule | undefined;
  for (const rule of rules) {
    if (matchPrefix(name, rule.prefix) >= 0 && rule.prefix.length > (best?.prefix.length ?? 0)) best = rule;
  }
  return best;
}

/** How much of a complete name a prefix covers, -1 where it isn't the prefix's. A host alone doesn't cover the same host with a port. */
export function matchPrefix(name: string, prefix: string): number {
  const end = prefix.startsWith('*.') ? wildEnd(name, prefix.slice(1)) : name.startsWith(prefix) ? prefix.length : -1;
  if (end < 0 || end === name.length) return end;
  // What follows the colon of a host is its port; of a path, the tag.
  return (prefix.includes('/') ? '/:@' : '/').includes(name[end] ?? '') ? end : -1;
}

/** `.example.com[/path]` covers every host below, on any port. */
function wildEnd(name: string, suffix: string): number {
  const [domain, path] = cutHost(suffix);
  const [host, rest] = cutHost(name);
  const covers = host.endsWith(domain) || host.replace(/:[0-9]+$/, '').endsWith(domain);
  return covers && rest.startsWith(path) ? host.length + path.length : -1;
}

function cutHost(text: string): [host: string, rest: string] {
  const slash = text.indexOf('/');
  return slash < 0 ? [text, ''] : [text.slice(0, slash), text.slice(slash)];
}

interface Place {
  location: string;
  insecure: boolean;
  mirror: boolean;
}

function rewritten(
  registries: Registries,
  reference: Reference,
  { rule, place: { location, insecure, mirror } }: { rule: RegistryRule | undefined; place: Place },
): Source {
  if (rule === undefined || location === '' || location === rule.prefix) {
    const { domain, path } = reference;
    return { domain, path, insecure, mirror, at: (asked) => asked, location: domain };
  }
  const at = (asked: Reference) => {
    const name = canonical(asked);
    const end = matchPrefix(name, rule.prefix);
    return end < 0 ? asked : parseReference(location + name.slice(end));
  };
  const there = at(reference);
  // What stands behind another name may have a rule of its own.
  const other = findRule(registries, there);
  const { domain, path } = there;
  const source = { domain, path, insecure, mirror, at, location: `${location} for ${rule.prefix}` };
  return other?.blocked ? { ...source, blocked: blocked(other.prefix, other) } : source;
}
