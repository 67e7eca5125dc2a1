/** An `up -d` that has nothing to do is answered by the launcher, until anything has changed that it would look at. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { project, SLEEP } from '#test/support/compose-project.ts';
import { testUser } from '#test/support/user.ts';
import { BUSYBOX, eventually, mendStore, monitorOf, readyStore, succeed, wherry } from '#test/support/wherry.ts';

beforeAll(readyStore);
afterAll(() => mendStore());

const directory = () => join(testUser().runtimeDir, 'wherry/standing');

const notes = () => (existsSync(directory()) ? readdirSync(directory()).map((name) => join(directory(), name)) : []);

/** Puts another word into the notes: who is answered by one, shows it. */
function mark(): void {
  for (const path of notes()) {
    writeFileSync(path, readFileSync(path, 'latin1').replaceAll(/Running|Healthy|Up/g, 'Noted'), 'latin1');
  }
}

test('an up with nothing to do is answered from a note until something has changed', async () => {
  await succeed('tag', BUSYBOX, 'standing:1');
  const { root, write } = project({
    'compose.yaml': `
name: standing
services:
  a: {image: "standing:1", command: ${SLEEP}, environment: {FROM: "\${FROM:-nowhere}"}, env_file: [{path: a.env, required: false}], stop_grace_period: 0s}
  b: {image: ${BUSYBOX}, command: ${SLEEP}, volumes: [data:/data], stop_grace_period: 0s}
volumes: {data: {}}
`,
  });
  const up = async (env: Record<string, string> = {}) => {
    const { status, stderr } = await wherry(['compose', 'up', '-d'], { cwd: root, env });
    expect(status, stderr).toBe(0);
    return stderr;
  };
  // A note is not written while what it is about is so young that a change might not be seen.
  const stand = () =>
    eventually(
      async () => {
        await up();
        mark();
        return up();
      },
      (said) => said.includes('Noted'),
    );
  await up();
  expect(await stand()).toBe(' Container standing-a-1  Noted\n Container standing-b-1  Noted\n');

  const changes: [string, () => unknown, string][] = [
    ['.env is there', () => write('.env', 'FROM=env\n'), 'a-1  Recreated'],
    ['an env file is there', () => write('a.env', 'MORE=1\n'), 'a-1  Recreated'],
    ['an env file is another', () => write('a.env', 'MORE=2\n'), 'a-1  Recreated'],
    ['an override is there', () => write('compose.override.yaml', 'services: {b: {labels: {x: y}}}'), 'b-1  Recreated'],
    ['a container was stopped', () => succeed('stop', 'standing-a-1'), 'a-1  Started'],
    ['a container was removed', () => succeed('rm', '-f', 'standing-b-1'), 'b-1  Created'],
    ['a container has ended', () => succeed('kill', 'standing-a-1'), 'a-1  Started'],
    ['a monitor was killed', async () => process.kill(await monitorOf('standing-b-1'), 'SIGKILL'), 'b-1  Started'],
    ['the image is another', () => retag(), 'a-1  Recreated'],
    [
      'a network was left',
      () => succeed('network', 'disconnect', 'standing_default', 'standing-b-1'),
      'b-1  Recreated',
    ],
  ];
  for (const [why, change, said] of changes) {
    await stand();
    await change();
    const heard = await up();
    expect(heard, why).toContain(said);
    expect(heard, why).not.toContain('Noted');
  }

  await stand();
  expect(await up({ FROM: 'shell' })).toContain('a-1  Recreated');
  expect(await up()).toContain('a-1  Recreated');
});

test('what looks whether something is healthy stands no longer than its last check', async () => {
  const { root } = project({
    'compose.yaml': `
name: checked
services:
  web: {image: ${BUSYBOX}, command: ${SLEEP}, depends_on: {db: {condition: service_healthy}}}
  db:
    image: ${BUSYBOX}
    command: ${SLEEP}
    healthcheck: {test: "test ! -e /ill", interval: 4s, start_interval: 100ms, start_period: 30s, retries: 1}
`,
  });
  const up = () => wherry(['compose', 'up', '-d'], { cwd: root });
  const stand = async () => {
    await up();
    mark();
    return up();
  };
  const { status, stderr } = await eventually(stand, (done) => done.stderr.includes('Noted'));
  expect({ status, stderr }).toMatchObject({ status: 0, stderr: expect.stringContaining('checked-db-1  Noted') });
  await succeed('exec', 'checked-db-1', 'touch', '/ill');
  await eventually(
    () => succeed('inspect', '--format', '{{.State.Health.Status}}', 'checked-db-1'),
    (health) => health === 'unhealthy',
  );
  expect(await up()).toMatchObject({ status: 1, stderr: expect.stringContaining('is unhealthy') });
});

test('a list is told again until something has changed, or an age', async () => {
  const { root, compose } = project({ 'compose.yaml': `services: {a: {image: ${BUSYBOX}, command: ${SLEEP}}}` });
  const ps = (...flags: string[]) => compose('-p', 'listed', 'ps', ...flags);
  const stand = () =>
    eventually(
      async () => {
        await ps('-a');
        mark();
        return ps('-a');
      },
      (said) => said.includes('Noted'),
    );
  await compose('-p', 'listed', 'up', '-d');
  expect(await stand()).toMatch(/listed-a-1 .* a .* Noted /);
  await eventually(ps, (said) => said.includes(' Up '));
  const changes: [() => Promise<unknown>, string][] = [
    [() => succeed('pause', 'listed-a-1'), '(Paused)'],
    [() => succeed('unpause', 'listed-a-1'), 'Up '],
    [() => succeed('rename', 'listed-a-1', 'listed-other'), 'listed-other'],
    [() => succeed('rename', 'listed-other', 'listed-a-1'), 'listed-a-1'],
    [() => wherry(['compose', '-p', 'listed', 'run', '-d', 'a', 'sleep', '100'], { cwd: root }), 'a-run-'],
    [() => succeed('kill', 'listed-a-1'), 'Exited (137)'],
  ];
  for (const [change, shown] of changes) {
    await stand();
    await change();
    const said = await ps('-a');
    expect(said).toContain(shown);
    expect(said).not.toContain('Noted');
  }
});

test('what says more than that all is as it should be is said anew', async () => {
  const { root } = project({
    'compose.yaml': `services: {a: {image: ${BUSYBOX}, command: ${SLEEP}, environment: {X: "\${UNSET_HERE}"}}}`,
  });
  const up = async () => (await wherry(['compose', '-p', 'warned', 'up', '-d'], { cwd: root })).stderr;
  await up();
  const before = notes().length;
  await new Promise((resolve) => setTimeout(resolve, 2500));
  expect(await up()).toMatch(/level=warning msg="The \\"UNSET_HERE\\" variable is not set.*Running/s);
  expect(notes()).toHaveLength(before);
});

/** Another image has the name now. */
async function retag(): Promise<void> {
  await succeed('commit', 'standing-a-1', 'standing:2');
  await succeed('tag', 'standing:2', 'standing:1');
}
