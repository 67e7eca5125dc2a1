/** podman's --latest, for every command that takes containers: the container that was made last instead of a name. */
import { WherryError } from '#base/error.ts';
import type { Definition, Values } from '#cli/command.ts';
import { boolean } from '#cli/values.ts';

/** The commands that have it. Where Docker has another -l, the long form alone. */
const LATEST: Readonly<Record<string, { short: boolean }>> = {
  'container attach': { short: true },
  'container cleanup': { short: true },
  'container diff': { short: true },
  'container exec': { short: true },
  'container init': { short: true },
  'container inspect': { short: true },
  'container kill': { short: true },
  'container logs': { short: true },
  'container mount': { short: true },
  'container pause': { short: true },
  'container port': { short: true },
  'container restart': { short: true },
  'container rm': { short: false },
  'container start': { short: true },
  'container stats': { short: true },
  'container stop': { short: true },
  'container top': { short: true },
  'container unmount': { short: true },
  'container unpause': { short: true },
  'container update': { short: true },
  'container wait': { short: true },
  inspect: { short: true },
};

/** Not in the help, which is Docker's, but in the manual. */
const FLAG = { as: boolean, summary: 'Act on the container that was made last', hidden: true } as const;

/** The definition with the flag, where the command has it. key: the command's full name. */
export function withLatest(key: string, definition: Definition): Definition {
  const form = Object.hasOwn(LATEST, key) ? LATEST[key] : undefined;
  if (form === undefined || Object.hasOwn(definition.flags, 'latest')) return definition;
  const written = form.short ? '`--latest`, or `-l`,' : '`--latest`';
  return {
    ...definition,
    details: `${definition.details ?? ''}\n\n${written} names the container that was made last.`,
    flags: { ...definition.flags, latest: form.short ? { ...FLAG, short: 'l' } : FLAG },
    firstByFlag: 'latest',
    run: async (context, args, values) => {
      const { latest, ...rest } = values as Values<typeof definition.flags> & { latest: boolean };
      return definition.run(context, latest ? await first(context, definition, args) : args, rest);
    },
  };
}

/** What follows a container's name in other commands than these is no container. */
const CONTAINERS_ALONE = /^\[?(?:CONTAINER|NAME\|ID)(?:\.{3})?\]?(?: \[(?:CONTAINER|NAME\|ID)\.{3}\])?$/;

async function first({ store }: Parameters<Definition['run']>[0], { usage }: Definition, args: string[]) {
  if (args.length > 0 && CONTAINERS_ALONE.test(usage)) {
    throw new WherryError('invalid', '--latest and containers cannot be used together', { exitCode: 125 });
  }
  const { listContainers } = await import('#container/names.ts');
  const newest = listContainers(store).sort((one, other) => (one.created < other.created ? 1 : -1))[0];
  if (newest === undefined) throw new WherryError('not-found', 'No such container: there is none', { exitCode: 125 });
  return [newest.id, ...args];
}
