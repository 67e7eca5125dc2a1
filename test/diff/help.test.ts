import { describe, expect, test } from 'vitest';
import { ALIASES, COMMANDS } from '#cli/commands.ts';
import { EXTRA_FLAGS } from '#cli/run-extras.ts';
import { ours } from '#test/support/compare.ts';
import { docker, noDocker } from '#test/support/peers.ts';

/** Words that can't be Docker's. */
const OUR_WORDS: Record<string, [docker: string, ours: string, why: string]> = {
  'container create': ['"|missing"', '"missing"', 'a slip of Docker’s'],
  'network rm': ['rm NETWORK', 'rm [OPTIONS] NETWORK', 'Docker’s leaves its options out'],
  'volume rm': [
    'volumes. You cannot remove a volume that is in use by a container.',
    'volumes',
    'said in the manual, as the first line is all that lists have',
  ],
  'manifest create': ['create MANIFEST_LIST', 'create [OPTIONS] MANIFEST_LIST', 'Docker’s leaves its options out'],
  logout: ['the default is defined by the daemon', 'the default is Docker Hub', 'there is no daemon'],
  version: ['Show the Docker version information', 'Show the version information', 'it is not Docker'],
};

/** Docker's warning that a command may change. */
const EXPERIMENT = /\nEXPERIMENTAL:\n(?: {2}.*\n)+/;

/** Commands of ours that Docker has not: our own, and podman's. */
const OURS_ALONE = [
  'completion',
  'container cleanup',
  'container exists',
  'container init',
  'container mount',
  'container unmount',
  'healthcheck run',
  'image diff',
  'image exists',
  'image mount',
  'image unmount',
  'network exists',
  'secret exists',
  'system boot',
  'system check',
  'system reset',
  'unshare',
  'volume exists',
  'volume export',
  'volume import',
];

/** Known for what they would be in Docker, and refused; volumes that can be updated are a swarm's. */
const REFUSED = ['context create', 'context export', 'context import', 'context rm', 'context update', 'volume update'];

/** Flags of ours that Docker has not. */
const OUR_FLAGS: Record<string, string[]> = {
  'container create': [...Object.keys(EXTRA_FLAGS), 'replace'],
  'container exec': ['preserve-fds'],
  'container run': [...Object.keys(EXTRA_FLAGS), 'replace'],
  'secret create': ['env', 'ignore', 'replace'],
  'secret inspect': ['showsecret'],
  'container stats': ['interval', 'no-reset'],
  'image pull': ['verify-key'],
  'system events': ['no-trunc', 'stream'],
};

interface Help {
  /** Usage, summary, aliases. */
  head: string;
  /** Each flag with its kind, and its summary on one line. */
  flags: Record<string, string>;
}

function read(text: string): Help {
  const [head = '', options = ''] = text.split(/^Options:\n/m);
  const rows = options.split(/\n(?= {2}(?:-\w, | {4})--)/);
  const flags = rows.map((row) => {
    const match = /^ {2}(-\w, | {4})--([\w-]+)(.*)$/s.exec(row);
    return [match?.[2] ?? '', `${match?.[1]?.trim()} ${match?.[3]}`.replace(/\s+/g, ' ').trim()];
  });
  return { head, flags: Object.fromEntries(flags.filter(([name]) => name !== '')) };
}

function expected(key: string, text: string): Help {
  const [theirs = '', own = ''] = OUR_WORDS[key] ?? [];
  return read(text.replace(EXPERIMENT, '').replace(theirs, own));
}

describe.skipIf(noDocker !== undefined)(`--help as docker's (${noDocker ?? 'here'})`, () => {
  const isDockers = (key: string) => ![...OURS_ALONE, ...REFUSED].includes(ALIASES[key] ?? key);
  const names = [...Object.keys(COMMANDS), ...Object.keys(ALIASES)].filter(isDockers);

  test.each(names)('docker %s --help', async (name) => {
    const args = [...name.split(' '), '--help'];
    const [own, theirs] = [await ours(args), docker(args)];
    expect([own.status, own.stderr]).toEqual([theirs.status, theirs.stderr]);
    const key = ALIASES[name] ?? name;
    const help = read(own.stdout);
    const flags = Object.entries(help.flags).filter(([flag]) => !OUR_FLAGS[key]?.includes(flag));
    expect({ ...help, flags: Object.fromEntries(flags) }).toEqual(expected(key, theirs.stdout));
  });

  test.each(['container', 'image', 'system'])(
    'docker %s --help lists nothing that docker does not list',
    async (group) => {
      const isListed = (line: string) => /^ {2}\w/.test(line) && isDockers(`${group} ${line.trim().split(/\s/, 1)[0]}`);
      const lines = (text: string) => text.split('\n').filter(isListed);
      expect(lines(docker([group, '--help']).stdout)).toEqual(
        expect.arrayContaining(lines((await ours([group, '--help'])).stdout)),
      );
    },
  );
});
