import { resolve } from 'node:path';
import { WherryError } from '#base/error.ts';
import type { Context } from '#cli/command.ts';
import { composeCommand, envFiles, isDryRun, openProject } from '#cli/compose/project.ts';
import { lingering, withoutLinger } from '#cli/system/boot.ts';
import { boolean } from '#cli/values.ts';
import type { Project } from '#compose/model/project.ts';

export default composeCommand({
  usage: '[ACTION]',
  summary: 'Bring the project up with the machine (enable, disable, status, print)',
  details: `
    enable, which is done where no action is named, writes a unit of systemd for this project, for you alone
    (~/.config/systemd/user/wherry-compose-PROJECT.service) or, as root, for the system, and enables it. When the machine
    starts it runs \`up --detach\` with the files, env files, profiles and project name that were given here, after the
    network has come up; before the machine goes down, or when you stop the unit, it runs \`stop\`. Nothing is started now.

    A user's units start with the machine only where that user lingers (loginctl enable-linger); otherwise they start at
    the first log-in and end, containers with them, when the user has logged out. So enable turns lingering on, too, and
    says what to do where it may not. Variables of your shell are not there at boot: keep what the files need in .env.

    disable removes the unit; containers go on, and so does lingering. status says how things are; its exit status is 0
    when the project starts with the machine. print writes the unit to standard output and changes nothing; so does --dry-run.

    Containers whose restart policy asks for it start with the machine by \`system boot\`, too, as with Docker's daemon:
    that needs no unit for each project, but makes nothing that isn't there.`,
  examples: [
    { does: 'See the unit of a project', line: 'wherry compose systemd print || true' },
    { does: 'Bring a project up with the machine', line: 'wherry compose systemd enable || true' },
  ],
  flags: { 'no-linger': { as: boolean, summary: 'With enable: leave lingering as it is' } },
  run: async (context, [action = 'enable'], values) => {
    const act = Object.hasOwn(ACTIONS, action) ? ACTIONS[action] : undefined;
    if (act !== undefined) {
      const isDry = isDryRun(context, values) && ['enable', 'disable'].includes(action);
      return (isDry ? ACTIONS.print : act)?.(context, await openProject(context), !values.noLinger);
    }
    throw new WherryError('invalid', `unknown action "${action}": use one of ${Object.keys(ACTIONS).join(', ')}`);
  },
});

type Act = (context: Context, project: Project, linger: boolean) => Promise<number>;

const ACTIONS: Record<string, Act> = {
  enable: async (context, project, linger) => {
    const { store, out, err } = context;
    const { enableUnit } = await import('#engine/unit.ts');
    const { name, text, byHand } = await describeUnit(context, project);
    const unit = await enableUnit(store, { name, text, byHand, linger });
    out.line(`Installed ${unit.path}`);
    if (unit.linger === 'on') out.line(`Project ${project.name} is brought up with the machine`);
    else err.line(withoutLinger(store.host.uid));
    return 0;
  },
  disable: async ({ store, out }, project) => {
    const { disableUnit } = await import('#engine/unit.ts');
    const { projectUnitName } = await import('#compose/export/systemd.ts');
    out.line(`Removed ${(await disableUnit(store, projectUnitName(project))).path}`);
    return 0;
  },
  status: async ({ store, out }, project) => {
    const { readUnit } = await import('#engine/unit.ts');
    const { projectUnitName } = await import('#compose/export/systemd.ts');
    const unit = await readUnit(store, projectUnitName(project));
    out.line(`Unit:        ${unit.path} (${unit.enabled ? 'enabled' : 'not installed'})`);
    out.line(`Lingering:   ${lingering(unit, store.host.uid)}`);
    return unit.enabled && unit.linger === 'on' ? 0 : 1;
  },
  print: async (context, project) => {
    context.out.write((await describeUnit(context, project)).text);
    return 0;
  },
};

async function describeUnit(context: Context, project: Project) {
  const { isRoot, programPath } = await import('#engine/unit.ts');
  const { projectUnitName, projectUnitText, upLine } = await import('#compose/export/systemd.ts');
  const places = {
    program: programPath(),
    envFiles: envFiles(context).map((file) => resolve(file)),
    isRoot: isRoot(context.store),
    env: process.env,
  };
  return {
    name: projectUnitName(project),
    text: projectUnitText(project, places),
    byHand: upLine(project, places),
  };
}
