import { WherryError } from '#base/error.ts';
import { type Context, command, type Values } from '#cli/command.ts';
import { describe } from '#cli/fail.ts';
import { boolean, duration } from '#cli/values.ts';
import type { UnitState } from '#engine/unit.ts';

const FLAGS = {
  'no-linger': { as: boolean, summary: 'With enable: leave lingering as it is' },
  wait: {
    as: duration,
    default: '30s',
    summary: 'With run and wait: how long to wait for a default route of the network',
  },
} as const;

export default command({
  usage: 'ACTION',
  summary: 'Start containers with the machine (enable, disable, status, run)',
  details: `
    enable installs a unit of systemd, for you alone or, as root, for the system, that runs \`wherry system boot run\` when
    the machine starts. Your user's services start with the machine only where you linger (loginctl enable-linger);
    otherwise they start when you first log in and end, your containers with them, when you have logged out. So enable turns
    lingering on, too, and says what to do where it may not.

    run starts, as Docker's daemon does when it starts, each container that has run before and whose restart policy asks for
    it: always; unless-stopped, where nobody had stopped it; on-failure, where its last exit status was not 0 and its count
    is not used up. Several start at once; one that shares another's network or other namespaces, or that names others
    (--requires, compose's depends_on), starts after them. What runs already is left alone, so run may be run at any time.
    It needs no systemd: with cron, have \`@reboot wherry system boot run\` in your table. wait only waits for the network, as
    run does before it: units of your own need it, since a user's can't wait for the system's.

    disable removes the unit; containers go on, and so does lingering. status says how things are, and which containers would
    be started if the machine went down now; its exit status is 0 when they would be.`,
  examples: [
    { does: 'See whether containers start with the machine', line: 'wherry system boot status || true' },
    { does: 'Start what should be running', line: 'wherry system boot run' },
  ],
  flags: FLAGS,
  run: (context, [action = ''], values) => {
    const act = Object.hasOwn(ACTIONS, action) ? ACTIONS[action] : undefined;
    if (act !== undefined) return act(context, values);
    throw new WherryError('invalid', `unknown action "${action}": use one of ${Object.keys(ACTIONS).join(', ')}`);
  },
});

type Act = (context: Context, values: Values<typeof FLAGS>) => Promise<number>;

const ACTIONS: Record<string, Act> = {
  enable: async ({ store, out, err }, { noLinger }) => {
    const { enableBoot } = await import('#engine/boot-unit.ts');
    const unit = await enableBoot(store, { linger: !noLinger });
    out.line(`Installed ${unit.path}`);
    if (unit.linger === 'on') out.line('Containers whose restart policy asks for it start with the machine');
    else err.line(withoutLinger(store.host.uid));
    return 0;
  },
  disable: async ({ store, out }) => {
    const { disableBoot } = await import('#engine/boot-unit.ts');
    out.line(`Removed ${(await disableBoot(store)).path}`);
    return 0;
  },
  status: async ({ store, out }) => {
    const { readBootUnit } = await import('#engine/boot-unit.ts');
    const { startingNext } = await import('#engine/boot.ts');
    const unit = await readBootUnit(store);
    const names = startingNext(store).map(({ name }) => name);
    out.line(`Unit:        ${unit.path} (${unit.enabled ? 'enabled' : 'not installed'})`);
    out.line(`Lingering:   ${lingering(unit, store.host.uid)}`);
    out.line(`Containers:  ${names.length === 0 ? 'none' : names.join(', ')}`);
    return unit.enabled && unit.linger === 'on' ? 0 : 1;
  },
  wait: async ({ abort }, { wait }) => {
    const { routeAppears } = await import('#engine/boot.ts');
    await routeAppears({ patience: wait / 1e6, abort });
    return 0;
  },
  run: async ({ store, out, err, abort }, { wait }) => {
    const { startWaiting } = await import('#engine/boot.ts');
    const told = ({ name, error }: { name: string; error?: unknown }) => {
      if (error === undefined) return out.line(name);
      if (!(error instanceof WherryError)) throw error;
      err.line(`${name}: ${describe(error)}`);
      if (error.hint !== undefined) err.line(`hint: ${error.hint}`);
    };
    const started = await startWaiting(store, { patience: wait / 1e6, abort, told });
    return started.some(({ error }) => error !== undefined) ? 1 : 0;
  },
};

export function lingering({ linger }: UnitState, uid: number): string {
  if (linger === 'none') return 'no: systemd does not run here';
  if (uid === 0) return 'not needed for root';
  return linger === 'on' ? 'yes' : 'no: containers start when you log in';
}

export const withoutLinger = (uid: number) =>
  `Containers start when you first log in, and end when you have logged out: you do not linger
hint: Have root run \`loginctl enable-linger ${uid}\`, for them to start with the machine`;
