/** native/monitor/health.c, healthfile.c: checks on time, what they say, and what is kept of it. */
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { describeMonitor, makePlace, type Place, type Settings, startMonitor } from '#test/support/monitor.ts';

/** As a runtime's `exec --detach --pid-file FILE`: starts check.sh, and goes. `refuse` beside it is its log of a failure. */
const CHECKER = `#!/bin/sh
place=$1
echo >> "$place/checks"
[ -e "$place/refuse" ] && { cp "$place/refuse" "$place/check.log"; exit 1; }
[ -e "$place/slow" ] && sleep "$(cat "$place/slow")"
# The check begins when the shell that started it has gone: a shell would reap one that ends before.
mkfifo "$place/gate.$$"
begin() { sh -c 'read x < "$1"; exec sh "$0"' "$place/check.sh" "$place/gate.$$" & echo $! > "$place/check.pid"; }
if [ -e "$place/orphan" ]; then (begin); else begin; fi
exec 8> "$place/gate.$$"
rm "$place/gate.$$"
[ ! -e "$place/orphan" ] || { echo >&8; exec 8>&-; sleep 0.1; }
`;

const SLEEP = 'exec sleep 1000';
const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/;

interface Result {
  Start: string;
  End: string;
  ExitCode: number;
  Output: string;
}

interface Health {
  Status: string;
  FailingStreak: number;
  Log: Result[];
}

function makeChecked(check: string): Place {
  const place = makePlace();
  writeFileSync(place.at('checker'), CHECKER);
  chmodSync(place.at('checker'), 0o755);
  writeFileSync(place.at('check.sh'), check);
  return place;
}

function checks(place: Place, settings: Settings = {}): Settings {
  return {
    events: place.at('events'),
    health: [place.at('checker'), place.path],
    'health-record': place.at('health.json'),
    'health-command': '/bin/sh -c "check"',
    'health-pid-file': place.at('check.pid'),
    'health-log': place.at('check.log'),
    'health-late': 'Health check exceeded timeout (1s)',
    'health-interval': 20,
    'health-timeout': 60_000,
    'health-start-period': 0,
    'health-start-interval': 5,
    'health-retries': 3,
    ...settings,
  };
}

const healthOf = (place: Place): Health => JSON.parse(place.read('health.json'));

async function health(place: Place, predicate: (health: Health) => boolean): Promise<Health> {
  return JSON.parse(await place.file('health.json', (text) => predicate(JSON.parse(text))));
}

const is = (status: string) => (state: Health) => state.Status === status;

const milliseconds = (time: string) => Date.parse(time.replace(/(\.\d{3})\d*Z$/, '$1Z'));

describeMonitor((build) => {
  const start = (check: string, settings: Settings = {}, script = SLEEP) => {
    const place = makeChecked(check);
    return { place, monitor: startMonitor({ build, place, script, settings: checks(place, settings) }) };
  };

  test('a container is starting until its first check, then healthy, with what the check said', async () => {
    const { place, monitor } = start('echo fine; echo well >&2', { 'health-interval': 200 });
    await monitor.hear('started');
    expect(healthOf(place)).toEqual({ Status: 'starting', FailingStreak: 0, Log: [] });
    const { FailingStreak, Log } = await health(place, is('healthy'));
    expect(FailingStreak).toBe(0);
    expect(Log).toEqual([
      {
        Start: expect.stringMatching(MOMENT),
        End: expect.stringMatching(MOMENT),
        ExitCode: 0,
        Output: 'fine\nwell\n',
      },
    ]);
    expect(milliseconds(Log[0]?.Start ?? '') - milliseconds(place.state().startedAt)).toBeGreaterThanOrEqual(199);
  });

  test('it is unhealthy after so many failures in a row, and healthy again with one success', async () => {
    const place = makeChecked('');
    writeFileSync(place.at('check.sh'), `test -e ${place.at('well')}`);
    startMonitor({ build, place, script: SLEEP, settings: checks(place) });
    const bad = await health(place, is('unhealthy'));
    expect(bad.FailingStreak).toBe(3);
    expect(bad.Log.map(({ ExitCode }) => ExitCode)).toEqual([1, 1, 1]);
    writeFileSync(place.at('well'), '');
    expect((await health(place, is('healthy'))).FailingStreak).toBe(0);
  });

  test('one failure is no illness', async () => {
    const place = makeChecked('');
    writeFileSync(place.at('check.sh'), `echo >> ${place.at('n')}; [ $(wc -l < ${place.at('n')}) != 2 ]`);
    startMonitor({ build, place, script: SLEEP, settings: checks(place) });
    const { Log } = await health(place, ({ Log: log }) => log.some(({ ExitCode }) => ExitCode !== 0));
    expect(Log.map(({ ExitCode }) => ExitCode)).toEqual([0, 1]);
    expect(healthOf(place).Status).toBe('healthy');
  });

  test('the five latest results are kept', async () => {
    const place = makeChecked('');
    writeFileSync(place.at('check.sh'), `echo >> ${place.at('n')}; wc -l < ${place.at('n')}`);
    startMonitor({ build, place, script: SLEEP, settings: checks(place) });
    const { Log } = await health(place, ({ Log: log }) => log.at(-1)?.Output.trim() === '8');
    expect(Log.map(({ Output }) => Output.trim())).toEqual(['4', '5', '6', '7', '8']);
  });

  test.each([
    ['4096 bytes', 4096, 'x'.repeat(4096)],
    ['more', 4097, `${'x'.repeat(4096)}...`],
    ['far more', 300_000, `${'x'.repeat(4096)}...`],
  ])('of an output of %s 4096 bytes are kept', async (_what, size, kept) => {
    const { place } = start(`head -c ${size} /dev/zero | tr '\\0' x`);
    const { Log } = await health(place, is('healthy'));
    expect(Log[0]?.Output).toBe(kept);
  });

  test('an output of any bytes is JSON as Docker writes it', async () => {
    const { place } = start(`printf 'a\\001"<\\377\\303\\244'`);
    const { Log } = await health(place, is('healthy'));
    expect(Log[0]?.Output).toBe('a\u0001"<\ufffd\u00e4');
    expect(place.read('health.json')).toContain('a\\u0001\\"\\u003c\\ufffd\u00e4');
  });

  test('a check that takes too long is killed and has failed', async () => {
    const { place } = start('echo begun; exec sleep 1000', { 'health-timeout': 50, 'health-retries': 1 });
    const { Log } = await health(place, is('unhealthy'));
    expect(Log[0]).toMatchObject({ ExitCode: -1, Output: 'Health check exceeded timeout (1s): begun\n' });
    expect(existsSync(`/proc/${place.read('check.pid').trim()}`)).toBe(false);
  });

  test('one that said nothing is told of without a colon', async () => {
    const { place } = start('exec sleep 1000', { 'health-timeout': 50, 'health-retries': 1 });
    const { Log } = await health(place, is('unhealthy'));
    expect(Log[0]?.Output).toBe('Health check exceeded timeout (1s)');
  });

  test("the runtime's own time is not the check's", async () => {
    const place = makeChecked('true');
    writeFileSync(place.at('slow'), '0.3');
    startMonitor({ build, place, script: SLEEP, settings: checks(place, { 'health-timeout': 100 }) });
    const { Log } = await health(place, ({ Log: log }) => log.length > 0);
    expect(Log[0]?.ExitCode).toBe(0);
  });

  test('a check that has ended before its runtime has, as a child of nobody else, is not missed', async () => {
    const place = makeChecked('exit 6');
    writeFileSync(place.at('orphan'), '');
    startMonitor({ build, place, script: SLEEP, settings: checks(place) });
    const { Log } = await health(place, ({ Log: log }) => log.length === 3);
    expect(Log.map(({ ExitCode }) => ExitCode)).toEqual([6, 6, 6]);
  });

  test('what a check leaves running holds nothing up', async () => {
    const { place } = start('echo here; sleep 2 &');
    const { Log } = await health(place, ({ Log: log }) => log.length === 2);
    expect(Log[1]).toMatchObject({ ExitCode: 0, Output: 'here\n' });
  });

  test('a check that closes its output before it ends keeps nobody busy', async () => {
    const { place, monitor } = start('echo here; exec >&- 2>&-; sleep 1');
    const { Log } = await health(place, is('healthy'));
    expect(Log[0]?.Output).toBe('here\n');
    const [user, system] = readFileSync(`/proc/${monitor.child.pid}/stat`, 'utf8')
      .replace(/.*\) /s, '')
      .split(' ')
      .slice(11);
    // Ticks, a hundred a second (proc_pid_stat(5)).
    expect(Number(user) + Number(system)).toBeLessThan(30);
  });

  test('a check that ended by a signal has failed with 128 and its number', async () => {
    const { place } = start('kill -9 $$', { 'health-retries': 1 });
    const { Log } = await health(place, is('unhealthy'));
    expect(Log[0]?.ExitCode).toBe(137);
  });

  test("a check that can't be started has failed, in Docker's words", async () => {
    const place = makeChecked('true');
    writeFileSync(place.at('refuse'), '{"msg":"executable file `nosuch` not found in $PATH","level":"error"}');
    startMonitor({ build, place, script: SLEEP, settings: checks(place, { 'health-retries': 1 }) });
    const { Log } = await health(place, is('unhealthy'));
    expect(Log[0]).toMatchObject({
      ExitCode: -1,
      Output:
        'OCI runtime exec failed: exec failed: unable to start container process: exec: "nosuch": executable file not found in $PATH',
    });
    expect(place.read('events')).not.toContain('exec_die');
  });

  test('failures in the start period count for nothing, and checks come faster in it', async () => {
    const { place } = start('false', {
      'health-interval': 60_000,
      'health-start-period': 60_000,
      'health-start-interval': 10,
      'health-retries': 1,
    });
    const { Status, FailingStreak, Log } = await health(place, ({ Log: log }) => log.length === 5);
    expect({ Status, FailingStreak, codes: Log.map(({ ExitCode }) => ExitCode) }).toEqual({
      Status: 'starting',
      FailingStreak: 0,
      codes: [1, 1, 1, 1, 1],
    });
  });

  test('after a success in the start period failures count', async () => {
    const place = makeChecked('');
    writeFileSync(place.at('check.sh'), `test -e ${place.at('n')} && exit 3; echo > ${place.at('n')}`);
    const settings = { 'health-start-period': 60_000, 'health-retries': 2 };
    startMonitor({ build, place, script: SLEEP, settings: checks(place, settings) });
    expect((await health(place, is('unhealthy'))).FailingStreak).toBe(2);
  });

  test('failures count when the start period is over', async () => {
    const { place } = start('false', { 'health-start-period': 150, 'health-start-interval': 20, 'health-retries': 1 });
    expect((await health(place, is('unhealthy'))).Log.length).toBeGreaterThan(1);
  });

  test('a container that has ended is unhealthy, and keeps what was known', async () => {
    const place = makeChecked('echo yes');
    const script = `while [ ! -e ${place.at('go')} ]; do sleep 0.01; done`;
    const monitor = startMonitor({ build, place, script, settings: checks(place) });
    await health(place, is('healthy'));
    writeFileSync(place.at('go'), '');
    await monitor.hear('exit');
    const { Status, Log } = healthOf(place);
    expect(Status).toBe('unhealthy');
    expect(Log[0]?.Output).toBe('yes\n');
    const before = place.read('checks');
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(place.read('checks')).toBe(before);
  });

  test('the next run is starting anew; the results of the last one stay', async () => {
    const place = makeChecked('echo yes');
    const script = `while [ ! -e ${place.at('go')} ]; do sleep 0.01; done; rm ${place.at('go')}; exit 1`;
    const settings = checks(place, { restart: 'always', 'health-interval': 300 });
    const monitor = startMonitor({ build, place, script, settings });
    await monitor.hear('started');
    await health(place, is('healthy'));
    writeFileSync(place.at('go'), '');
    await monitor.hear('restarting');
    await monitor.hear('started');
    expect(healthOf(place)).toMatchObject({ Status: 'starting', FailingStreak: 0, Log: [{ Output: 'yes\n' }] });
    await health(place, is('healthy'));
  });

  test('a check at work when the container ends is killed, and its result is nobody’s', async () => {
    const place = makeChecked('');
    writeFileSync(place.at('check.sh'), `echo > ${place.at('go')}; exec sleep 1000`);
    const script = `while [ ! -e ${place.at('go')} ]; do sleep 0.01; done`;
    const monitor = startMonitor({ build, place, script, settings: checks(place) });
    await monitor.hear('exit');
    expect(healthOf(place)).toMatchObject({ Status: 'unhealthy', Log: [] });
    monitor.say('done');
    await monitor.ended;
    expect(existsSync(`/proc/${place.read('check.pid').trim()}/fd/0`)).toBe(false);
  });

  test('each check is told as an exec, and each change of the health', async () => {
    const place = makeChecked('');
    writeFileSync(place.at('check.sh'), `echo >> ${place.at('n')}; [ $(wc -l < ${place.at('n')}) != 2 ]`);
    startMonitor({ build, place, script: SLEEP, settings: checks(place, { 'health-retries': 1 }) });
    await health(place, ({ Log }) => Log.length === 3);
    const events = (
      await place.file('events', (text) => text.includes('healthy"') && text.split('exec_die').length > 3)
    )
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const { execID, exitCode } = events.find(({ Action }) => Action === 'exec_die').Actor.Attributes;
    expect(execID).toMatch(/^[0-9a-f]{64}$/);
    expect(exitCode).toBe('0');
    expect(events.slice(0, 12).map(({ Action }) => Action)).toEqual([
      'start',
      'exec_create: /bin/sh -c "check"',
      'exec_start: /bin/sh -c "check"',
      'exec_die',
      'health_status: healthy',
      'exec_create: /bin/sh -c "check"',
      'exec_start: /bin/sh -c "check"',
      'exec_die',
      'health_status: unhealthy',
      'exec_create: /bin/sh -c "check"',
      'exec_start: /bin/sh -c "check"',
      'exec_die',
    ]);
  });

  test('a client may ask for a check now, which is one like the others', async () => {
    const { place, monitor } = start('echo asked; exit 4', { 'health-interval': 60_000, 'health-retries': 2 });
    await monitor.hear('started');
    const client = await monitor.client('check');
    expect(await client.hear('checked')).toBe('checked 4 starting');
    client.say('check');
    expect(await client.hear('checked')).toBe('checked 4 unhealthy');
    expect(healthOf(place)).toMatchObject({ Status: 'unhealthy', Log: [{ Output: 'asked\n' }, { ExitCode: 4 }] });
  });

  test('two who ask at once get the result of one check', async () => {
    const { place, monitor } = start('sleep 0.2', { 'health-interval': 60_000 });
    await monitor.hear('started');
    const [one, other] = [await monitor.client('check'), await monitor.client('check')];
    expect(await one.hear('checked')).toBe('checked 0 healthy');
    expect(await other.hear('checked')).toBe('checked 0 healthy');
    expect(place.read('checks')).toBe('\n');
  });

  test('without a check there is nothing to ask for', async () => {
    const place = makePlace();
    const monitor = startMonitor({ build, place, script: SLEEP });
    await monitor.hear('started');
    const client = await monitor.client('check');
    expect(await client.hear('checked')).toBe('checked -1 none');
    expect(existsSync(place.at('health.json'))).toBe(false);
  });

  test('a hundred quick checks leave no zombie and no open file', async () => {
    const { place, monitor } = start('true', { 'health-interval': 1 });
    const pid = monitor.child.pid ?? 0;
    await health(place, is('healthy'));
    await place.file('checks', (text) => text.length > 100);
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
    // The container's process and, while a check is on, its runtime and the process that it has started.
    expect(children.length).toBeLessThanOrEqual(3);
  });
});
