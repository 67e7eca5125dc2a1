/** Every command: its name to its module, loaded when it is named; and the short names. The only list. */
import type { Definition, Flags } from '#cli/command.ts';
import { withLatest } from '#cli/latest.ts';

export type Load = () => Promise<{ default: Definition }>;

/** Full names, in the words of the command line. */
export const COMMANDS: Readonly<Record<string, Load>> = {
  'buildx bake': () => import('./bake/bake.ts'),
  'buildx build': () => import('./build/build.ts'),
  'buildx create': () => import('./buildx/create.ts'),
  'buildx dial-stdio': async () => ({ default: (await import('./buildx/refused.ts')).refused('dial-stdio') }),
  'buildx du': () => import('./buildx/du.ts'),
  'buildx history export': async () => ({ default: (await import('./buildx/refused.ts')).refused('history export') }),
  'buildx history import': async () => ({ default: (await import('./buildx/refused.ts')).refused('history import') }),
  'buildx history inspect': () => import('./buildx/history-inspect.ts'),
  'buildx history logs': () => import('./buildx/history-logs.ts'),
  'buildx history ls': () => import('./buildx/history-ls.ts'),
  'buildx history open': async () => ({ default: (await import('./buildx/refused.ts')).refused('history open') }),
  'buildx history rm': () => import('./buildx/history-rm.ts'),
  'buildx history trace': async () => ({ default: (await import('./buildx/refused.ts')).refused('history trace') }),
  'buildx imagetools create': () => import('./buildx/imagetools-create.ts'),
  'buildx imagetools inspect': () => import('./buildx/imagetools-inspect.ts'),
  'buildx inspect': () => import('./buildx/inspect.ts'),
  'buildx ls': () => import('./buildx/ls.ts'),
  'buildx prune': () => import('./buildx/prune.ts'),
  'buildx rm': () => import('./buildx/rm.ts'),
  'buildx stop': () => import('./buildx/stop.ts'),
  'buildx use': () => import('./buildx/use.ts'),
  'buildx version': () => import('./buildx/version.ts'),
  'compose attach': () => import('./compose/attach.ts'),
  'compose build': () => import('./compose/build.ts'),
  'compose commit': () => import('./compose/commit.ts'),
  'compose config': () => import('./compose/config.ts'),
  'compose cp': () => import('./compose/cp.ts'),
  'compose create': () => import('./compose/create.ts'),
  'compose down': () => import('./compose/down.ts'),
  'compose events': () => import('./compose/events.ts'),
  'compose exec': () => import('./compose/exec.ts'),
  'compose export': () => import('./compose/export.ts'),
  'compose images': () => import('./compose/images.ts'),
  'compose kill': () => import('./compose/kill.ts'),
  'compose kube': () => import('./compose/kube.ts'),
  'compose logs': () => import('./compose/logs.ts'),
  'compose ls': () => import('./compose/ls.ts'),
  'compose pause': () => import('./compose/pause.ts'),
  'compose port': () => import('./compose/port.ts'),
  'compose ps': () => import('./compose/ps.ts'),
  'compose publish': () => import('./compose/publish.ts'),
  'compose pull': () => import('./compose/pull.ts'),
  'compose push': () => import('./compose/push.ts'),
  'compose restart': () => import('./compose/restart.ts'),
  'compose rm': () => import('./compose/rm.ts'),
  'compose run': () => import('./compose/run.ts'),
  'compose scale': () => import('./compose/scale.ts'),
  'compose start': () => import('./compose/start.ts'),
  'compose stats': () => import('./compose/stats.ts'),
  'compose stop': () => import('./compose/stop.ts'),
  'compose systemd': () => import('./compose/systemd.ts'),
  'compose top': () => import('./compose/top.ts'),
  'compose unpause': () => import('./compose/unpause.ts'),
  'compose up': () => import('./compose/up.ts'),
  'compose version': () => import('./compose/version.ts'),
  'compose volumes': () => import('./compose/volumes.ts'),
  'compose wait': () => import('./compose/wait.ts'),
  'compose watch': () => import('./compose/watch.ts'),
  'container attach': () => import('./container/attach.ts'),
  'container cleanup': () => import('./container/cleanup.ts'),
  'container commit': () => import('./container/commit.ts'),
  'container cp': () => import('./container/cp.ts'),
  'container create': () => import('./container/create.ts'),
  'container diff': () => import('./container/diff.ts'),
  'container exec': () => import('./container/exec.ts'),
  'container exists': () => import('./container/exists.ts'),
  'container export': () => import('./container/export.ts'),
  'container init': () => import('./container/init.ts'),
  'container inspect': () => import('./container/inspect.ts'),
  'container kill': () => import('./container/kill.ts'),
  'container logs': () => import('./container/logs.ts'),
  'container ls': () => import('./container/ps.ts'),
  'container mount': () => import('./container/mount.ts'),
  'container pause': () => import('./container/pause.ts'),
  'container port': () => import('./container/port.ts'),
  'container prune': () => import('./container/prune.ts'),
  'container rename': () => import('./container/rename.ts'),
  'container restart': () => import('./container/restart.ts'),
  'container rm': () => import('./container/rm.ts'),
  'container run': () => import('./container/run.ts'),
  'container start': () => import('./container/start.ts'),
  'container stats': () => import('./container/stats.ts'),
  'container stop': () => import('./container/stop.ts'),
  'container top': () => import('./container/top.ts'),
  'container unpause': () => import('./container/unpause.ts'),
  'container update': () => import('./container/update.ts'),
  'container unmount': () => import('./container/unmount.ts'),
  'container wait': () => import('./container/wait.ts'),
  'healthcheck run': () => import('./container/healthcheck.ts'),
  'context create': async () => ({ default: (await import('./context/refused.ts')).refused('create') }),
  'context export': async () => ({ default: (await import('./context/refused.ts')).refused('export') }),
  'context import': async () => ({ default: (await import('./context/refused.ts')).refused('import') }),
  'context inspect': () => import('./context/inspect.ts'),
  'context ls': () => import('./context/ls.ts'),
  'context rm': async () => ({ default: (await import('./context/refused.ts')).refused('rm') }),
  'context show': () => import('./context/show.ts'),
  'context update': async () => ({ default: (await import('./context/refused.ts')).refused('update') }),
  'context use': () => import('./context/use.ts'),
  'image diff': () => import('./image/diff.ts'),
  'image exists': () => import('./image/exists.ts'),
  'image import': () => import('./image/import.ts'),
  'image history': () => import('./image/history.ts'),
  'image inspect': () => import('./image/inspect.ts'),
  'image load': () => import('./image/load.ts'),
  'image ls': () => import('./image/ls.ts'),
  'image mount': () => import('./image/mount.ts'),
  'image prune': () => import('./image/prune.ts'),
  'image pull': () => import('./image/pull.ts'),
  'image push': () => import('./image/push.ts'),
  'image rm': () => import('./image/rm.ts'),
  'image save': () => import('./image/save.ts'),
  'image tag': () => import('./image/tag.ts'),
  'image unmount': () => import('./image/unmount.ts'),
  'manifest annotate': () => import('./manifest/annotate.ts'),
  'manifest create': () => import('./manifest/create.ts'),
  'manifest inspect': () => import('./manifest/inspect.ts'),
  'manifest push': () => import('./manifest/push.ts'),
  'manifest rm': () => import('./manifest/rm.ts'),
  'network connect': () => import('./network/connect.ts'),
  'network create': () => import('./network/create.ts'),
  'network disconnect': () => import('./network/disconnect.ts'),
  'network exists': () => import('./network/exists.ts'),
  'network inspect': () => import('./network/inspect.ts'),
  'network ls': () => import('./network/ls.ts'),
  'network prune': () => import('./network/prune.ts'),
  'network rm': () => import('./network/rm.ts'),
  'secret create': () => import('./secret/create.ts'),
  'secret exists': () => import('./secret/exists.ts'),
  'secret inspect': () => import('./secret/inspect.ts'),
  'secret ls': () => import('./secret/ls.ts'),
  'secret rm': () => import('./secret/rm.ts'),
  'system boot': () => import('./system/boot.ts'),
  'system check': () => import('./system/check.ts'),
  'system df': () => import('./system/df.ts'),
  'system events': () => import('./system/events.ts'),
  'system info': () => import('./system/info.ts'),
  'system prune': () => import('./system/prune.ts'),
  'system reset': () => import('./system/reset.ts'),
  'volume create': () => import('./volume/create.ts'),
  'volume exists': () => import('./volume/exists.ts'),
  'volume export': () => import('./volume/export.ts'),
  'volume import': () => import('./volume/import.ts'),
  'volume inspect': () => import('./volume/inspect.ts'),
  'volume ls': () => import('./volume/ls.ts'),
  'volume prune': () => import('./volume/prune.ts'),
  'volume rm': () => import('./volume/rm.ts'),
  'volume update': () => import('./volume/update.ts'),
  completion: () => import('./system/completion.ts'),
  inspect: () => import('./system/inspect.ts'),
  login: () => import('./registry/login.ts'),
  logout: () => import('./registry/logout.ts'),
  search: () => import('./registry/search.ts'),
  unshare: () => import('./system/unshare.ts'),
  version: () => import('./system/version.ts'),
};

/** Other names for the same command, in the order in which the help lists them. */
export const ALIASES: Readonly<Record<string, string>> = {
  build: 'buildx build',
  'builder build': 'buildx build',
  'builder prune': 'buildx prune',
  'image build': 'buildx build',
  'buildx b': 'buildx build',
  'buildx f': 'buildx bake',
  'compose convert': 'compose config',
  'container list': 'container ls',
  'container ps': 'container ls',
  'container remove': 'container rm',
  'container umount': 'container unmount',
  'context list': 'context ls',
  'context remove': 'context rm',
  'image list': 'image ls',
  'image remove': 'image rm',
  'image umount': 'image unmount',
  'network list': 'network ls',
  'network remove': 'network rm',
  'secret list': 'secret ls',
  'secret remove': 'secret rm',
  'volume list': 'volume ls',
  'volume remove': 'volume rm',
  attach: 'container attach',
  commit: 'container commit',
  cp: 'container cp',
  create: 'container create',
  diff: 'container diff',
  exec: 'container exec',
  export: 'container export',
  history: 'image history',
  images: 'image ls',
  import: 'image import',
  events: 'system events',
  info: 'system info',
  init: 'container init',
  kill: 'container kill',
  load: 'image load',
  logs: 'container logs',
  mount: 'container mount',
  pause: 'container pause',
  port: 'container port',
  ps: 'container ls',
  pull: 'image pull',
  push: 'image push',
  rename: 'container rename',
  restart: 'container restart',
  rm: 'container rm',
  rmi: 'image rm',
  run: 'container run',
  save: 'image save',
  start: 'container start',
  stats: 'container stats',
  stop: 'container stop',
  tag: 'image tag',
  top: 'container top',
  unpause: 'container unpause',
  update: 'container update',
  umount: 'container unmount',
  unmount: 'container unmount',
  wait: 'container wait',
};

/** The first words of names that have several. */
export const GROUPS: Readonly<Record<string, string>> = {
  builder: 'Manage builds',
  buildx: 'Docker Buildx',
  'buildx history': 'Commands to work on build records',
  'buildx imagetools': 'Commands to work on images in registry',
  compose: 'Define and run multi-container applications with Docker',
  container: 'Manage containers',
  context: 'Manage contexts',
  healthcheck: 'Manage health checks of containers',
  image: 'Manage images',
  manifest: 'Manage Docker image manifests and manifest lists',
  network: 'Manage networks',
  secret: 'Manage secrets',
  system: 'Manage wherry',
  volume: 'Manage volumes',
};

/** Flags that stand between a group's name and a command's: `compose -f x up`. */
const GROUP_FLAGS: Readonly<Record<string, () => Promise<Flags>>> = {
  buildx: async () => (await import('#cli/buildx/buildx.ts')).BUILDX_FLAGS,
  compose: async () => (await import('#cli/compose/flags.ts')).COMPOSE_FLAGS,
};

/** Those of `buildx` stand behind `buildx history` as well. */
export async function loadGroupFlags(group: string): Promise<Flags> {
  const [first = ''] = group.split(' ');
  return (await GROUP_FLAGS[first]?.()) ?? {};
}

/** What stands first in the list of commands, in Docker's order. */
export const COMMON: readonly string[] = [
  'run',
  'exec',
  'ps',
  'pull',
  'push',
  'images',
  'login',
  'logout',
  'search',
  'version',
  'info',
];

/** A command found on the command line. */
export interface Found {
  /** Its full name, a key of COMMANDS. */
  key: string;
  /** As typed: `ps`, `container ls`. */
  name: string;
  /** What follows the name. */
  rest: string[];
}

/** What the words name: a command, a group of commands alone, or nothing known. The longest name counts. */
export function findCommand(words: readonly string[]): Found | { group: string; rest: string[] } | undefined {
  for (let count = Math.min(LONGEST, words.length); count > 0; count -= 1) {
    const name = words.slice(0, count).join(' ');
    const rest = words.slice(count);
    const key = named(name);
    if (key !== undefined) return { key, name, rest };
    if (Object.hasOwn(GROUPS, name)) return { group: name, rest };
  }
  return undefined;
}

/** Words of a name. */
const LONGEST = 3;

function named(name: string): string | undefined {
  if (Object.hasOwn(COMMANDS, name)) return name;
  return Object.hasOwn(ALIASES, name) ? ALIASES[name] : undefined;
}

/** All the names of a command: the full one first. */
export function namesOf(key: string): string[] {
  const others = Object.keys(ALIASES).filter((name) => ALIASES[name] === key);
  return [key, ...others];
}

/** The definition behind a full name. Throws a RangeError for any other. */
export async function loadCommand(key: string): Promise<Definition> {
  const load = COMMANDS[key];
  if (load === undefined) throw new RangeError(`no command "${key}"`);
  return withLatest(key, (await load()).default);
}
