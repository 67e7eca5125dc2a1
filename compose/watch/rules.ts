/** develop.watch: which rules a changed file falls under, and what is to be done for many files at once. Pure. */
import { posix } from 'node:path';
import { WherryError } from '#base/error.ts';
import { makeMatcher } from '#build/dockerfile/ignore.ts';
import type { Hook, Service, Trigger } from '#compose/model/project.ts';

export interface Rule {
  service: string;
  trigger: Trigger;
  /** Is this absolute path the rule's business? */
  covers(path: string): boolean;
  /** Nothing in this directory can be its business. */
  isClosed(directory: string): boolean;
}

/** Patterns and the directory that they are relative to. */
export interface Patterns {
  root: string;
  patterns: readonly string[];
}

/** Where editors and tools put what nobody means (docker compose, pkg/watch/ephemeral.go); and git's own. */
const NEVER: readonly string[] = [
  ...['**/*___jb_old___', '**/*___jb_tmp___', '**/.idea/**', '**/.#*', '**/#*#'],
  ...['**/4913', '**/*~', '**/.*.swp', '**/.*.swx', '**/.*.swo', '**/.*.swn', '**/.*.kate-swp'],
  ...['**/*-go-tmp-umask', '**/.git'],
];

const never = { root: '/', patterns: NEVER };

/** The rules of a service. dockerignore: that of its build context. Throws kind `invalid` for what can't be done. */
export function rulesOf(service: Service, dockerignore: Patterns | undefined): Rule[] {
  return (service.develop?.watch ?? []).map((trigger) => {
    check(service, trigger);
    const ignored = [never, dockerignore, { root: trigger.path, patterns: trigger.ignore ?? [] }].flatMap((one) =>
      one === undefined || one.patterns.length === 0 ? [] : [reader(one)],
    );
    const included = trigger.include?.length ? reader({ root: trigger.path, patterns: trigger.include }) : undefined;
    return {
      service: service.name,
      trigger,
      covers: (path) =>
        isWithin(trigger.path, path) && (included?.names(path) ?? true) && !ignored.some(({ names }) => names(path)),
      isClosed: (directory) =>
        !isWithin(trigger.path, directory) || ignored.some((one) => !one.takesBack && one.names(directory)),
    };
  });
}

function check({ name, build }: Service, { action, exec }: Trigger): void {
  if (action === 'rebuild' && build === undefined)
    throw new WherryError('invalid', `can't watch service "${name}" with action rebuild without a build context`);
  if (action === 'sync+exec' && !exec?.command?.length)
    throw new WherryError('invalid', `can't watch with action "sync+exec" on service ${name} without a command`);
}

function reader({ root, patterns }: Patterns) {
  const matcher = makeMatcher(patterns);
  return {
    takesBack: patterns.some((pattern) => pattern.startsWith('!')),
    names: (path: string) => {
      const relative = posix.relative(root, path);
      return relative !== '' && !relative.startsWith('../') && relative !== '..' && matcher.matches(relative);
    },
  };
}

export const isWithin = (above: string, path: string) => path === above || path.startsWith(posix.join(above, '/'));

/** A file of the host and where it belongs in the container. */
export interface Mapping {
  path: string;
  target: string;
}

export const mappingOf = ({ path: root, target = '' }: Trigger, path: string): Mapping => ({
  path,
  target: posix.join(target, posix.relative(root, path)),
});

/** What is to be done; services by name. */
export interface Work {
  rebuild: Set<string>;
  sync: Map<string, Mapping[]>;
  restart: Set<string>;
  /** Each hook once, however many files it is for. */
  exec: Map<string, Set<Hook>>;
}

const COPIES = ['sync', 'sync+restart', 'sync+exec'];
const RESTARTS = ['restart', 'sync+restart'];

export function workFor(rules: readonly Rule[], changed: Iterable<string>): Work {
  const work: Work = { rebuild: new Set(), sync: new Map(), restart: new Set(), exec: new Map() };
  for (const path of changed) for (const rule of rules) if (rule.covers(path)) addWork(work, rule, path);
  return work;
}

function addWork(work: Work, { service, trigger }: Rule, path: string): void {
  const { action, exec } = trigger;
  if (action === 'rebuild') work.rebuild.add(service);
  if (RESTARTS.includes(action)) work.restart.add(service);
  if (COPIES.includes(action)) grouped(work.sync, service, []).push(mappingOf(trigger, path));
  if (action === 'sync+exec' && exec !== undefined) grouped(work.exec, service, new Set()).add(exec);
}

function grouped<T>(groups: Map<string, T>, key: string, empty: T): T {
  const found = groups.get(key) ?? empty;
  groups.set(key, found);
  return found;
}

/** docker compose copies what is changed for these alone where a bind mount has it in the container already. */
export const isBound = ({ volumes = [] }: Service, { action, path }: Trigger): boolean =>
  ['sync', 'sync+restart'].includes(action) &&
  volumes.some(({ type, source }) => type === 'bind' && source !== undefined && isWithin(source, path));
