/** Whole projects, a rule of loading each: what `compose config` says of them here and by docker compose. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, inject, test } from 'vitest';
import { wordsOf } from '#test/support/compare.ts';
import { LOAD_CASES, type LoadCase } from '#test/support/compose-loads.ts';
import { FLAGS, OWN_VARIABLES } from '#test/support/compose-settings.ts';
import { docker, dockerShell, quoted } from '#test/support/peers.ts';
import { testUser } from '#test/support/user.ts';

const found = docker(['compose', 'version', '--short']);
const lacks = found.status === 0 ? undefined : 'docker has no compose';
// Seen by both: the peers may see less of this machine.
const root = join('/tmp', `wherry-loads-${process.pid}`);

afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Writes the files of a case and says where it is called. */
function stage({ files, cwd = '.' }: LoadCase, name: string): string {
  const directory = join(root, name);
  const parts = (files.startsWith('== ') ? files : `== compose.yaml\n${files}`).split(/^== /m).slice(1);
  for (const part of parts) {
    const end = part.indexOf('\n');
    const path = join(directory, part.slice(0, end));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, part.slice(end + 1));
  }
  return join(directory, cwd);
}

/** What is ours is the place behind a message; a warning's time and how often it comes are nobody's. */
function plain(text: string): string {
  const lines = text
    .replace(/^time="[^"]*" /gm, '')
    .replace(/ \((?:line \d+|in \/.*)\)$/gm, '')
    .replace(/^hint: .*\n/gm, '')
    .split('\n');
  return lines.filter((line, at) => !line.startsWith('level=') || lines.indexOf(line) === at).join('\n');
}

let number = 0;

async function compare({ args = '', verb = '', env = {}, input = '', refused, ...rest }: LoadCase) {
  number += 1;
  const cwd = stage(rest, `case${number}`);
  const words = ['compose', ...wordsOf(args), 'config', ...wordsOf(verb)];
  const variables = Object.entries({ HOME: '/home/nobody', ...env }).map(([key, value]) => `${key}=${value}`);
  const set = ['env', '-i', 'PATH=/usr/sbin:/usr/bin:/sbin:/bin', ...variables];
  const line = (program: string) => `cd ${quoted(cwd)} && ${[...set, program, ...words].map(quoted).join(' ')}`;
  const feed = `printf %s ${quoted(input)} |`;
  const theirs = dockerShell(`cd / && ${feed} (${line('docker')})`);
  const own = await testUser().run('sh', ['-c', `cd / && ${feed} (${line(join(inject('prefix'), 'bin/docker'))})`]);
  if (refused) {
    expect([own.status, theirs.status]).toEqual([1, 1]);
    expect(own.stderr).not.toContain('\n    at ');
    return;
  }
  const shown = ({ status, stdout, stderr }: typeof own) => ({ status, stdout, stderr: plain(stderr) });
  expect(shown(own)).toEqual(shown(theirs));
}

const CASES = { ...LOAD_CASES, 'of its own variables': OWN_VARIABLES, 'flags count': FLAGS };

for (const [about, cases] of Object.entries(CASES)) {
  describe.skipIf(lacks !== undefined)(`${about} as by docker compose (${lacks ?? 'here'})`, () => {
    test.each(Object.entries(cases))('%s', (_name, one) => compare(one));
  });
}
