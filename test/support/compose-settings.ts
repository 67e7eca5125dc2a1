// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the variables are those of compose files
/** The flags before the verb, those of `config`, and compose's own variables: as LOAD_CASES, a case each. */
import type { LoadCase } from '#test/support/compose-loads.ts';

const FILE = 'services:\n  web:\n    image: x:${TAG:-1}\n  db:\n    image: y\n    profiles: [p]\n';

/** One project, called with these words. */
const called = (args: string, verb = '-q', env?: Readonly<Record<string, string>>): LoadCase => ({
  files: FILE,
  args,
  verb,
  ...(env === undefined ? {} : { env }),
});

/** A `.env` beside the project's file. */
const dotEnv = (text: string, args = '', verb = '-q'): LoadCase => ({
  files: `== compose.yaml\n${FILE}== other.env\nTAG=other\n== .env\n${text}\n`,
  args,
  verb,
});

/** What compose reads of itself in `.env`, and what it has read before that. */
export const OWN_VARIABLES: Readonly<Record<string, LoadCase>> = {
  'COMPOSE_ANSI is read': dotEnv('COMPOSE_ANSI=never', '--progress tty'),
  'COMPOSE_PARALLEL_LIMIT is read': dotEnv('N=3\nCOMPOSE_PARALLEL_LIMIT=${N}x'),
  'COMPOSE_PARALLEL_LIMIT of nothing': dotEnv('COMPOSE_PARALLEL_LIMIT='),
  'COMPOSE_PARALLEL_LIMIT goes behind --parallel': dotEnv('COMPOSE_PARALLEL_LIMIT=x', '--parallel 2'),
  'COMPOSE_PROGRESS is not read': dotEnv('COMPOSE_PROGRESS=odd'),
  'COMPOSE_ENV_FILES is not read': dotEnv('COMPOSE_ENV_FILES=other.env', '', '--images'),
  'COMPOSE_DISABLE_ENV_FILE is not read': dotEnv('COMPOSE_DISABLE_ENV_FILE=1\nTAG=2', '', '--images'),
  'COMPOSE_PROFILES is read': dotEnv('COMPOSE_PROFILES=p', '', '--hash "*"'),
  'COMPOSE_PROJECT_NAME is read': dotEnv('COMPOSE_PROJECT_NAME=other', '', '--networks'),
  'COMPOSE_COMPATIBILITY is read': dotEnv('COMPOSE_COMPATIBILITY=true', '', ''),
  'the process comes first': {
    ...dotEnv('COMPOSE_PARALLEL_LIMIT=x'),
    env: { COMPOSE_PARALLEL_LIMIT: '2' },
  },
  'an env file of --env-file counts': dotEnv('COMPOSE_PARALLEL_LIMIT=x', '--env-file other.env'),
  'what is wrong with it is told once the project is read': dotEnv('A B=1\nCOMPOSE_ANSI=never', '--progress tty'),
};

export const FLAGS: Readonly<Record<string, LoadCase>> = {
  '--no-ansi': called('--no-ansi'),
  '--no-ansi with --ansi': called('--no-ansi --ansi always'),
  '--ansi of a word that is none': called('--ansi odd'),
  '--workdir with --project-directory': called('--workdir . --project-directory .'),
  '--project-directory of a file': called('--project-directory compose.yaml'),
  '--progress of a word that is none': called('--progress odd --parallel 2'),
  '--parallel of a word that is none': called('--parallel x'),
  '--profile of all': called('--profile "*"', '--hash "*"'),
  '-p of a name that is none': called('-p Odd.Name'),
  'a word that is no project': called('', 'nope'),
  'several services': called('--profile p', 'web db'),
  'a service of a profile': called('', 'db'),
  'hashes up to one that is unknown': called('', '--hash web,nope'),
  'a format that is none': called('', '--format xml'),
  'a format that is none of a list': called('', '--format xml --profiles'),
  'lists are printed in spite of -q': called('', '-q --profiles'),
  '-o into a folder that is missing': called('', '-o /nope/x'),
  '-o onto a folder': called('', '-o /tmp'),
  '--no-normalize and all its like': called(
    '',
    '--no-normalize --no-path-resolution --no-consistency --no-env-resolution',
  ),
  '--no-interpolate shows nothing of the environment': {
    files:
      'name: n-${A}\nservices: {web: {image: x, build: {args: {A: }}, environment: [A], secrets: [s]}}\nsecrets: {s: {environment: A}}\nconfigs: {c: {environment: A}}\n',
    verb: '--no-interpolate',
    env: { A: 'hidden' },
  },
  '--variables of a name that is filled in': {
    files: 'name: n-${A}\nservices: {web: {image: "x:${B:-<c>}", labels: {l: "${C:?m}${D:+${E}}"}}}\n',
    verb: '--variables --format json',
    env: { A: 'a' },
  },
};
