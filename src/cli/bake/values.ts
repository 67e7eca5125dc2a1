/** A target as build's own flags: so all that build checks and does holds for it. */
import { isAbsolute, join, normalize } from 'node:path';
import { WherryError } from '#base/error.ts';
import { entryText } from '#build/bake/entry.ts';
import type { Target } from '#build/bake/fields.ts';
import { isFar, isWeb } from '#build/context/git-address.ts';
import { BUILD_FLAGS } from '#cli/build/flags.ts';
import type { BuildValues } from '#cli/build/request.ts';
import { parseFlags } from '#cli/parse.ts';

export interface TargetWords {
  /** A directory or an address. */
  context: string;
  /** As --file would have it. */
  file: string;
  inline: string | undefined;
  values: BuildValues;
}

/** The context as it is used. Throws kind `invalid` for standard input. */
export function usedContext({ context = '.', dockerfile }: Target): string {
  if (context === '-') throw new WherryError('invalid', 'context from stdin not allowed in bake');
  if (dockerfile === '-') throw new WherryError('invalid', 'dockerfile from stdin not allowed in bake');
  return isFar(context) ? context : normalize(withoutScheme(context)).replace(/(?<=.)\/$/, '');
}

/** Throws kind `invalid` in buildx's words. `allow`: what --allow gave leave for. */
export function wordsOf(
  target: Target,
  { allow, builder }: { allow: readonly string[]; builder: string },
): TargetWords {
  const { context = '.' } = target;
  const dockerfile = withoutScheme(target.dockerfile ?? 'Dockerfile');
  const file = isFar(context) || isAbsolute(dockerfile) || isWeb(dockerfile) ? dockerfile : join(context, dockerfile);
  const entitled = (target.entitlements ?? []).filter((name) => allow.includes(name));
  const words = [
    ...flag('file', file),
    ...flagsOf(target),
    ...entitled.flatMap((name) => flag('allow', name)),
    ...(builder === '' ? [] : flag('builder', builder)),
  ];
  const { values } = parseFlags(words, BUILD_FLAGS);
  return { context, file, inline: target['dockerfile-inline'], values: values as unknown as BuildValues };
}

const withoutScheme = (path: string) => path.replace(/^cwd:\/\/(?=.)/, '').replace(/^cwd:\/\/$/, '.');
const flag = (name: keyof typeof BUILD_FLAGS, value: string) => [`--${name}=${value}`];
type FlagName = keyof typeof BUILD_FLAGS;

function flagsOf(target: Target): string[] {
  const lists: [name: FlagName, values: readonly string[] | undefined][] = [
    ['annotation', target.annotations],
    ['attest', target.attest?.map(entryText)],
    [
      'build-context',
      pairs(target.contexts, '=')
        ?.filter((pair) => !/^[^=]*=target:/.test(pair))
        .map(plainPath),
    ],
    ['build-arg', pairs(target.args, '=')],
    ['label', pairs(target.labels, '=')],
    ['tag', target.tags],
    ['cache-from', target['cache-from']?.map(entryText)],
    ['cache-to', target['cache-to']?.map(entryText)],
    ['secret', target.secret?.map(entryText)],
    ['ssh', target.ssh?.map(entryText)],
    ['platform', target.platforms],
    ['output', target.output?.map(entryText)],
    ['no-cache-filter', target['no-cache-filter']],
    ['ulimit', target.ulimits],
    ['add-host', pairs(target['extra-hosts'], '=')],
  ];
  const single: [name: FlagName, value: string | boolean | undefined][] = [
    ['target', target.target],
    ['pull', target.pull],
    ['no-cache', target['no-cache']],
    ['network', target.network],
    ['shm-size', target['shm-size']],
    ['call', target.call],
  ];
  return [
    ...lists.flatMap(([name, values = []]) => values.flatMap((value) => flag(name, value))),
    ...single.flatMap(([name, value]) => (value === undefined ? [] : flag(name, String(value)))),
  ];
}

const pairs = (map: Readonly<Record<string, string>> | undefined, separator: string) =>
  map && Object.entries(map).map(([key, value]) => `${key}${separator}${value}`);

const plainPath = (pair: string) => pair.replace(/^([^=]*=)cwd:\/\//, '$1');
