/** The unit of systemd that brings a project up with the machine, and has it stop before the machine does. */
import { WherryError } from '#base/error.ts';
import { parseDuration } from '#base/units.ts';
import type { Project } from '#compose/model/project.ts';
import { commandLine, unitText } from '#engine/unit.ts';

export interface ProjectUnit {
  /** Our own program's path. */
  program: string;
  /** --env-file, absolute. */
  envFiles: readonly string[];
  isRoot: boolean;
  env: NodeJS.ProcessEnv;
}

/** A project's name is of letters, digits, `-` and `_`. */
export const projectUnitName = ({ name }: Project) => `wherry-compose-${name}.service`;

/** The words that open the same project from anywhere. Throws kind `invalid` for one that was read from standard input. */
function projectWords(project: Project, envFiles: readonly string[]): string[] {
  if (project.composeFiles.includes('-'))
    throw new WherryError(
      'invalid',
      `Cannot make a unit of project "${project.name}": it was read from standard input`,
      {
        hint: 'Write it into a file, and name it with -f',
      },
    );
  return [
    'compose',
    ...['--project-name', project.name, '--project-directory', project.workingDir],
    ...project.composeFiles.flatMap((file) => ['--file', file]),
    ...envFiles.flatMap((file) => ['--env-file', file]),
    ...project.profiles.flatMap((profile) => ['--profile', profile]),
  ];
}

const upWords = (project: Project, envFiles: readonly string[]) => [
  ...projectWords(project, envFiles),
  ...['up', '--detach'],
];

/** What brings it up by hand: a shell's line. */
export const upLine = (project: Project, { program, envFiles }: Pick<ProjectUnit, 'program' | 'envFiles'>): string =>
  [program, ...upWords(project, envFiles)]
    .map((word) => (/^[\w./:=,@+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`))
    .join(' ');

/** systemd's own (systemd-system.conf(5), DefaultTimeoutStopSec=), and some time beside what a container has. */
const STOP = { least: 90, beside: 30 };

/**
 * The unit's text. It comes after the unit that starts single containers, so that the two don't start one at once. When
 * a service fails the others stay, as after `up`.
 */
export function projectUnitText(project: Project, { program, envFiles, isRoot, env }: ProjectUnit): string {
  const words = projectWords(project, envFiles);
  const grace = Object.values(project.services).map(
    ({ stop_grace_period: period }) => parseDuration(period ?? '10s') / 1e9,
  );
  return unitText({
    description: `Compose project ${project.name}`,
    page: 'wherry-compose-systemd(1)',
    unit: ['After=wherry-boot.service'],
    service: [
      `ExecStartPre=${commandLine(program, ['system', 'boot', 'wait'])}`,
      `ExecStart=${commandLine(program, upWords(project, envFiles))}`,
      `ExecStop=${commandLine(program, [...words, 'stop'])}`,
      // Images may have to be pulled first.
      'TimeoutStartSec=infinity',
      `TimeoutStopSec=${Math.ceil(Math.max(STOP.least, ...grace.map((seconds) => seconds + STOP.beside)))}`,
      'KillMode=process',
    ],
    isRoot,
    env,
  });
}
