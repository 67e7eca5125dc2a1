/**
 * The flags between `compose` and its commands, and where a command finds what was given of them. `verbose` alone changes
 * nothing: it asks for more of docker compose's own log, and there is none here.
 */
import type { Context, Flags, Values } from '#cli/command.ts';
import { boolean, integer, listOf, text } from '#cli/values.ts';

const strings = listOf('stringArray');

export const COMPOSE_FLAGS = {
  'all-resources': { as: boolean, summary: 'Include all resources, even those not used by services' },
  ansi: {
    as: text,
    default: 'auto',
    summary: 'Control when to print ANSI control characters ("never"|"always"|"auto")',
  },
  compatibility: { as: boolean, summary: 'Run compose in backward compatibility mode' },
  'dry-run': { as: boolean, summary: 'Execute command in dry run mode' },
  'env-file': { as: strings, summary: 'Specify an alternate environment file' },
  file: { short: 'f', as: strings, summary: 'Compose configuration files' },
  'no-ansi': { as: boolean, summary: 'Do not print ANSI control characters (DEPRECATED)', hidden: true },
  parallel: { as: integer, default: '-1', summary: 'Control max parallelism, -1 for unlimited' },
  profile: { as: strings, summary: 'Specify a profile to enable' },
  progress: { as: text, summary: 'Set type of progress output (auto, tty, plain, json, quiet)' },
  'project-directory': {
    as: text,
    summary: 'Specify an alternate working directory\n(default: the path of the, first specified, Compose file)',
  },
  'project-name': { short: 'p', as: text, summary: 'Project name' },
  verbose: { as: boolean, summary: 'Show more output', hidden: true },
  version: { short: 'v', as: boolean, summary: 'Show the Docker Compose version information', hidden: true },
  workdir: {
    as: text,
    summary: 'DEPRECATED! USE --project-directory INSTEAD',
    hidden: true,
  },
} as const satisfies Flags;

export type ComposeFlags = Values<typeof COMPOSE_FLAGS>;

export const composeFlags = ({ group }: Context): ComposeFlags => group.values as unknown as ComposeFlags;
