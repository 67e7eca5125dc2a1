import { describe, expect, test } from 'vitest';
import { ALIASES, COMMANDS } from '#cli/commands.ts';
import { EXTRA_FLAGS } from '#cli/run-extras.ts';
import { ours } from '#test/support/compare.ts';
import { docker, noDocker } from '#test/support/peers.ts';

/** Docker's flags that we don't have, and why. What is not in this table has to be there, word for word. */
const LACKING: Record<string, Record<string, string>> = {
  'container create container run': {
    'health-cmd, health-interval, health-retries, health-start-interval, health-start-period, health-timeout, no-healthcheck':
      'health checks are still to come',
    'ip, ip6, link, link-local-ip, network-alias': 'networks of the user are still to come',
    'volume-driver': 'drivers are plugins of a daemon',
  },
};

/** Words that can't be Docker's. */
const OUR_WORDS: Record<string, [docker: string, ours: string, why: string]> = {
  'container create': ['"|missing"', '"missing"', 'a slip of Docker’s'],
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
  'unshare',
  'volume exists',
];

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
  const help = read(text.replace(EXPERIMENT, '').replace(theirs, own));
  const tables = Object.entries(LACKING).filter(([keys]) => ` ${keys} `.includes(` ${key} `));
  const lacking = tables.flatMap(([, table]) => Object.keys(table).flatMap((names) => names.split(', ')));
  expect(Object.keys(help.flags), 'the table names only what Docker has').toEqual(expect.arrayContaining(lacking));
  const flags = Object.fromEntries(Object.entries(help.flags).filter(([name]) => !lacking.includes(name)));
  return { head: help.head, flags };
}

describe.skipIf(noDocker !== undefined)(`--help as docker's (${noDocker ?? 'here'})`, () => {
  const isDockers = (key: string) => !OURS_ALONE.includes(ALIASES[key] ?? key);
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
