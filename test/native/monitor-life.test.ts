/** native/monitor/life.c, record.c, restart.c, fault.c, control.c: from the start to the clean-up. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { describe, expect, test } from 'vitest';
import { type Client, describeMonitor, makePlace, type Settings, startMonitor } from '#test/support/monitor.ts';

const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/;
const NEVER = '0001-01-01T00:00:00Z';
const SLEEP = 'exec sleep 1000';

const lines = (text: string) => text.split('\n').length - 1;

/** The clock tick at which a process was started: field 22 of its stat. */
function startOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
}

/** What runtimes log, and what Docker says then. */
const FAULTS: [string, string, string][] = [
  [
    'crun 1.8: not in $PATH',
    '{"msg":"executable file `nosuch` not found in $PATH: No such file or directory","level":"error"}',
    '127 OCI runtime create failed: create failed: unable to start container process: exec: "nosuch": executable file not found in $PATH',
  ],
  [
    'crun 1.28: a path that is not there, its log over several lines',
    '{\n  "msg": "executable file `\\/no\\/such` not found: No such file or directory",\n  "level": "error"\n}',
    '127 OCI runtime create failed: create failed: unable to start container process: exec: "/no/such": stat /no/such: no such file or directory',
  ],
  [
    'crun 1.8: not executable, which only the bundle knows the name of',
    '{"msg":"open executable: Permission denied","level":"error"}',
    '126 OCI runtime create failed: create failed: unable to start container process: exec: "/etc/passwd": permission denied',
  ],
  [
    'runc: not in $PATH',
    '{"level":"warning","msg":"something else"}\n{"level":"error","msg":"runc run failed: unable to start container process: exec: \\"nosuch\\": executable file not found in $PATH"}',
    '127 OCI runtime create failed: create failed: unable to start container process: exec: "nosuch": executable file not found in $PATH',
  ],
  [
    'another failure',
    '{"msg":"mount `proc` to `proc`: Operation not permitted","level":"error"}',
    '125 OCI runtime create failed: create failed: mount `proc` to `proc`: Operation not permitted',
  ],
  ['no log', '', '125 OCI runtime create failed: create failed: runtime: said on standard error'],
];

describeMonitor((build) => {
  const start = (script: string, settings: Settings = {}) => startMonitor({ build, script, settings });

  describe('the record', () => {
    test('says while the container runs who runs and who watches', async () => {
      const monitor = start(SLEEP);
      const pid = Number((await monitor.hear('started')).split(' ')[1]);
      const watcher = monitor.child.pid ?? 0;
      expect(monitor.place.state()).toEqual({
        status: 'running',
        pid,
        pidStart: startOf(pid),
        monitorPid: watcher,
        monitorStart: startOf(watcher),
        bootId: 'this-boot',
        startedAt: expect.stringMatching(MOMENT),
        finishedAt: NEVER,
        exitCode: 0,
        oomKilled: false,
        restartCount: 0,
        error: '',
      });
      expect(monitor.place.read('register')).toBe(`${watcher} ${startOf(watcher)}\n`);
      expect(existsSync(monitor.place.at('socket'))).toBe(true);
    });

    test.each([
      ['exit 0', 0],
      ['exit 7', 7],
      ['kill -9 $$', 137],
      ['kill -TERM $$', 143],
    ])('has the status of a container that ended by `%s`, before anybody is told', async (script, status) => {
      const monitor = start(script);
      expect(await monitor.hear('exit')).toBe(`exit ${status} 0`);
      const state = monitor.place.state();
      expect(state).toMatchObject({ status: 'exited', pid: 0, exitCode: status });
      expect(state.finishedAt).toMatch(MOMENT);
      expect(state.finishedAt >= state.startedAt).toBe(true);
      monitor.say('done');
      await monitor.ended;
      expect(lines(monitor.place.read('deleted'))).toBe(1);
    });

    test('tells a container that was killed for memory by what its control group counts', async () => {
      const place = makePlace();
      writeFileSync(place.at('memory.events'), 'low 0\noom 1\noom_kill 1\n');
      const script = `printf 'low 0\\noom 2\\noom_kill 2\\n' > ${place.at('memory.events')}; kill -9 $$`;
      const settings = { 'oom-file': place.at('memory.events') };
      const monitor = startMonitor({ build, place, script, settings });
      expect(await monitor.hear('exit')).toBe('exit 137 1');
      expect(place.state()).toMatchObject({ exitCode: 137, oomKilled: true });
    });

    test('does not take the past of a control group for this container, nor a missing one for trouble', async () => {
      const place = makePlace();
      writeFileSync(place.at('memory.events'), 'oom_kill 3\n');
      const before = startMonitor({
        build,
        place,
        script: 'exit 1',
        settings: { 'oom-file': place.at('memory.events') },
      });
      expect(await before.hear('exit')).toBe('exit 1 0');
      expect(await start('exit 1', { 'oom-file': '/nowhere/memory.events' }).hear('exit')).toBe('exit 1 0');
    });
  });

  describe('the command', () => {
    test('that has cleaned up is believed', async () => {
      const monitor = start('exit 0');
      await monitor.hear('exit');
      monitor.say('done');
      expect(await monitor.ended).toBe(0);
      for (const name of ['cleaned', 'socket', 'register', 'pid'])
        expect(existsSync(monitor.place.at(name))).toBe(false);
    });

    test('that was killed while the container ran leaves cleaning up to the monitor', async () => {
      const place = makePlace();
      const script = `while [ ! -e ${place.at('go')} ]; do sleep 0.01; done; exit 5`;
      const monitor = startMonitor({ build, place, script });
      await monitor.hear('started');
      monitor.hangUp();
      writeFileSync(place.at('go'), '');
      await monitor.ended;
      expect(place.state()).toMatchObject({ status: 'exited', exitCode: 5 });
      expect(lines(place.read('cleaned'))).toBe(1);
      expect(existsSync(place.at('socket'))).toBe(false);
      expect(existsSync(place.at('register'))).toBe(false);
    });

    test('that was killed before it could clean up leaves that, too', async () => {
      const monitor = start('exit 0');
      await monitor.hear('exit');
      monitor.hangUp();
      await monitor.ended;
      expect(existsSync(monitor.place.at('cleaned'))).toBe(true);
    });

    test.each([
      ['that says so when it is done', (client: Client) => client.say('done'), false],
      ['unless that one goes', (client: Client) => client.socket.destroy(), true],
    ])('leaves the clean-up to a client that has asked for it, %s', async (_what, act, cleaned) => {
      const monitor = start(SLEEP);
      const pid = Number((await monitor.hear('started')).split(' ')[1]);
      monitor.hangUp();
      const client = await monitor.client('attach 2', 'clean');
      await client.hear('cleaning');
      process.kill(pid, 'SIGTERM');
      expect(await client.hear('exit')).toBe('exit 143 0');
      act(client);
      await monitor.ended;
      expect(existsSync(monitor.place.at('cleaned'))).toBe(cleaned);
    });

    test('that says stay is told, and not waited for', async () => {
      const place = makePlace();
      const monitor = startMonitor({ build, place, script: `while [ ! -e ${place.at('go')} ]; do sleep 0.01; done` });
      monitor.say('stay');
      await monitor.hear('detached');
      writeFileSync(place.at('go'), '');
      await monitor.ended;
      expect(existsSync(place.at('cleaned'))).toBe(true);
    });

    test('may say anything', async () => {
      const monitor = start('exit 0');
      monitor.say(`${'x'.repeat(10_000)}\nresize\nresize 1 2 3\n\0\n\n`);
      expect(await monitor.hear('exit')).toBe('exit 0 0');
    });
  });

  test('goes its whole way without any command', async () => {
    const place = makePlace();
    startMonitor({ build, place, script: 'echo alone', through: ['sh', '-c', 'exec "$@" 3>&-', '-'] });
    await place.file('cleaned');
    expect(place.state()).toMatchObject({ status: 'exited', exitCode: 0 });
    expect(place.read('log')).toContain('alone');
  });

  test.runIf(build.name === 'plain')(
    'keeps less memory of its own than conmon, also after much has gone through it',
    async () => {
      const monitor = start('echo up; head -c 30000000 /dev/urandom; read x; exec sleep 1000', {
        stdin: 1,
        publish: ['tcp 127.0.0.1 0 127.0.0.1 1', 'udp 127.0.0.1 0 127.0.0.1 1'],
        'log-max-size': 1 << 20,
        'log-max-file': 2,
      });
      const client = await monitor.client('attach 1');
      client.type('\n');
      const { pid = 0 } = monitor.child;
      // The container goes to sleep when all it wrote was read.
      const container = Number((await monitor.hear('started')).split(' ')[1]);
      while (!readFileSync(`/proc/${container}/cmdline`, 'utf8').startsWith('sleep'))
        await monitor.client('reopen', 'attach 4');
      // What it shares with other monitors depends on how many there are: `npm run bench` compares the whole. What a
      // flood needed is given back when the monitor has nothing to do.
      const own = () =>
        Number(/^Private_Dirty:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1]);
      while (own() > 340) await monitor.client('reopen', 'attach 4');
      expect(own()).toBeLessThanOrEqual(340);
    },
  );

  describe('a start', () => {
    test.each(FAULTS)('that the runtime refuses is told in the words of Docker (%s)', async (_what, log, wanted) => {
      const place = makePlace();
      writeFileSync(place.at('fail'), log);
      writeFileSync(place.at('config.json'), '{"process":{"user":{},"args":[ "/etc/passwd","x"]}}');
      const monitor = startMonitor({ build, place });
      expect(await monitor.hear('error')).toBe(`error ${wanted}`);
      expect(existsSync(place.at('state.json'))).toBe(false);
      expect(place.read('log')).toBe('');
      monitor.say('done');
      expect(await monitor.ended).toBe(0);
      expect(existsSync(place.at('cleaned'))).toBe(false);
    });

    test('with a runtime that is not there says so', async () => {
      const monitor = start('', { runtime: ['/nowhere/crun', 'run'] });
      expect(await monitor.hear('error')).toBe(
        'error 125 cannot start the runtime "/nowhere/crun": No such file or directory',
      );
    });

    test('of a process that the runtime does not leave behind is an error, not a wait without end', async () => {
      const place = makePlace();
      const pid = place.at('pid');
      const monitor = startMonitor({ build, place, settings: { runtime: ['/bin/sh', '-c', `echo 4194304 > ${pid}`] } });
      expect(await monitor.hear('error')).toContain('cannot watch the process that the runtime started');
    });

    test.each([
      ['an unknown key', { nonsense: 'x' }, 'bad line "nonsense x"'],
      ['a number that is none', { rows: '12x' }, 'bad line "rows 12x"'],
      ['nothing to run', { runtime: undefined }, 'no valid "runtime"'],
      ['no mode', { mode: 'walk' }, 'no valid "mode"'],
    ])('with %s in its file is an error', async (_what, settings, problem) => {
      const monitor = start('', settings);
      expect(await monitor.hear('error')).toMatch(/^error 125 cannot use ".*monitor.conf": /);
      expect(monitor.lines[0]).toContain(problem);
      expect(await monitor.ended).toBe(125);
    });

    test('with a socket path that is too long is an error', async () => {
      const monitor = start('', { socket: `/tmp/${'x'.repeat(110)}` });
      expect(await monitor.hear('error')).toContain('File name too long');
    });
  });

  describe('a start that waits for its client', () => {
    test('comes with the client, who misses nothing', async () => {
      const monitor = start('echo first', { 'await-client': 1 });
      await monitor.hear('ready');
      expect(existsSync(monitor.place.at('started'))).toBe(false);
      const client = await monitor.client('attach 2');
      expect(await client.hear('exit')).toBe('exit 0 0');
      expect(client.output().toString()).toBe('first\n');
    });

    test.each(['go', 'stay'])('comes when the command says %s', async (word) => {
      const monitor = start('exit 0', { 'await-client': 1 });
      await monitor.hear('ready');
      monitor.say(word);
      expect(await monitor.place.file('state.json', (text) => text.includes('exited'))).toBeTruthy();
    });

    test('comes when the command is gone', async () => {
      const monitor = start('exit 4', { 'await-client': 1 });
      await monitor.hear('ready');
      monitor.hangUp();
      await monitor.ended;
      expect(monitor.place.state().exitCode).toBe(4);
    });
  });

  describe('the restart policy', () => {
    test('on-failure gives up after its count, with pauses that double', async () => {
      const place = makePlace();
      const script = `date +%s%N >> ${place.at('times')}; exit 3`;
      const monitor = startMonitor({ build, place, script, settings: { restart: 'on-failure', 'restart-max': 3 } });
      expect(await monitor.hear('exit')).toBe('exit 3 0');
      const times = place
        .read('times')
        .trim()
        .split('\n')
        .map((ns) => Number(ns) / 1e6);
      expect(times).toHaveLength(4);
      const gaps = times.slice(1).map((time, at) => time - (times[at] ?? 0));
      for (const [at, least] of [100, 200, 400].entries()) expect(gaps[at]).toBeGreaterThanOrEqual(least);
      expect(place.state()).toMatchObject({ status: 'exited', exitCode: 3, restartCount: 3 });
      expect(monitor.lines.filter((line) => line === 'restarting 3 0')).toHaveLength(3);
      monitor.say('done');
      await monitor.ended;
      expect(lines(place.read('deleted'))).toBe(4);
    });

    test('on-failure lets a success be', async () => {
      const monitor = start('exit 0', { restart: 'on-failure' });
      await monitor.hear('exit 0');
      expect(lines(monitor.place.read('started'))).toBe(1);
    });

    test.each(['always', 'unless-stopped'])(
      '%s brings back what ended well, until a client says stop',
      async (restart) => {
        const monitor = start('exit 0', { restart });
        for (let count = 0; count < 3; count++) await monitor.hear('restarting 0 0');
        expect(monitor.place.state().status).toBe('restarting');
        const client = await monitor.client('attach 2', 'stop');
        await client.hear('stopping');
        expect(await client.hear('exit')).toBe('exit 0 0');
        expect(monitor.place.state()).toMatchObject({ status: 'exited', restartCount: 3 });
      },
    );

    test('is over for a container that a client stops while it runs', async () => {
      const monitor = start(SLEEP, { restart: 'always' });
      const pid = Number((await monitor.hear('started')).split(' ')[1]);
      const client = await monitor.client('attach 2', 'stop');
      await client.hear('stopping');
      process.kill(pid, 'SIGTERM');
      expect(await client.hear('exit')).toBe('exit 143 0');
      expect(monitor.place.state()).toMatchObject({ status: 'exited', exitCode: 143, restartCount: 0, stopped: true });
    });

    test('may be changed while the container runs, and counts from its next end on', async () => {
      const monitor = start('read x; exit 5', { restart: 'no', stdin: 1 });
      const client = await monitor.client('attach 3', 'policy on-failure 1');
      await client.hear('policy');
      client.type('\n');
      expect(await client.hear('restarting')).toBe('restarting');
      await monitor.hear('restarting');
      await monitor.hear('started');
      client.type('\n');
      expect(await client.hear('exit')).toBe('exit 5 0');
      expect(monitor.place.state()).toMatchObject({ status: 'exited', restartCount: 1 });
      expect(monitor.place.state()).not.toHaveProperty('stopped');
    });

    test('taken away while the container runs lets its end be the end', async () => {
      const monitor = start('read x; exit 5', { restart: 'always', stdin: 1 });
      const client = await monitor.client('attach 3', 'policy no 0');
      await client.hear('policy');
      client.type('\n');
      expect(await client.hear('exit')).toBe('exit 5 0');
      expect(monitor.place.state()).toMatchObject({ status: 'exited', restartCount: 0 });
    });

    test('of no known name ends the conversation, and nothing else', async () => {
      const monitor = start(SLEEP, { restart: 'always' });
      await monitor.hear('started');
      const client = await monitor.client('policy sometimes 0');
      await client.closed;
      expect(monitor.place.state().status).toBe('running');
    });

    test('tells clients, who see the next run as well', async () => {
      const monitor = start('echo run; read x', { restart: 'always', stdin: 1, 'await-client': 1 });
      await monitor.hear('ready');
      const client = await monitor.client('attach 3');
      client.type('\n');
      await client.hear('restarting');
      await client.see('run\nrun\n');
    });

    test('ends with the restart that the runtime refuses', async () => {
      const place = makePlace();
      const log = '{"msg":"executable file `x` not found in $PATH","level":"error"}';
      const script = `echo '${log}' > ${place.at('fail')}; exit 1`;
      const monitor = startMonitor({ build, place, script, settings: { restart: 'always' } });
      expect(await monitor.hear('error')).toMatch(/^error 127 /);
      expect(place.state()).toMatchObject({
        status: 'exited',
        exitCode: 127,
        error: expect.stringContaining('exec: "x": executable file not found in $PATH'),
      });
    });
  });

  describe('a pause', () => {
    test('is noted in the state until it is over', async () => {
      const monitor = start(SLEEP);
      await monitor.hear('started');
      const client = await monitor.client('pause');
      expect(await client.hear('pause')).toBe('pause');
      expect(monitor.place.state().status).toBe('paused');
      const other = await monitor.client('unpause');
      expect(await other.hear('unpause')).toBe('unpause');
      expect(monitor.place.state().status).toBe('running');
    });

    test('ends with the process, and its restart is not paused', async () => {
      const monitor = start('read x; exit 5', { restart: 'on-failure', 'restart-max': 1, stdin: 1 });
      await monitor.hear('started');
      const client = await monitor.client('attach 3', 'pause');
      await client.hear('pause');
      client.type('\n');
      await monitor.hear('restarting');
      await monitor.hear('started');
      expect(monitor.place.state()).toMatchObject({ status: 'running', restartCount: 1 });
    });

    test('finds nothing to pause between two runs', async () => {
      const monitor = start('exit 5', { restart: 'on-failure', 'restart-max': 1 });
      await monitor.hear('restarting');
      const client = await monitor.client('pause');
      expect(await client.hear('not-running')).toBe('not-running');
    });
  });

  describe('a signal', () => {
    test('SIGTERM goes to the container, which is not restarted: the system goes down', async () => {
      const monitor = start('trap "exit 9" TERM; echo up; while :; do sleep 0.01; done', { restart: 'always' });
      await monitor.place.file('log', (text) => text.includes('up'));
      monitor.child.kill('SIGTERM');
      expect(await monitor.hear('exit')).toBe('exit 9 0');
    });

    test('who has a stop signal gets that one', async () => {
      const script = 'trap "exit 9" USR1; trap "exit 8" TERM; echo up; while :; do sleep 0.01; done';
      const monitor = start(script, { 'stop-signal': 10 });
      await monitor.place.file('log', (text) => text.includes('up'));
      monitor.child.kill('SIGTERM');
      expect(await monitor.hear('exit')).toBe('exit 9 0');
      expect(monitor.place.state()).not.toHaveProperty('stopped');
    });

    test('who does not end when the system goes down is killed', async () => {
      const monitor = start('trap "" TERM; echo up; while :; do sleep 0.01; done', { 'stop-timeout': 100 });
      await monitor.place.file('log', (text) => text.includes('up'));
      monitor.child.kill('SIGTERM');
      expect(await monitor.hear('exit')).toBe('exit 137 0');
    });

    test('SIGTERM ends the pause before a restart', async () => {
      const monitor = start('exit 1', { restart: 'always' });
      for (let count = 0; count < 4; count++) await monitor.hear('restarting');
      monitor.child.kill('SIGTERM');
      expect(await monitor.hear('exit')).toBe('exit 1 0');
    });

    test.each(['SIGHUP', 'SIGPIPE', 'SIGQUIT', 'SIGUSR1', 'SIGALRM'] as const)('%s changes nothing', async (signal) => {
      const monitor = start('read x; exit 6', { stdin: 1 });
      await monitor.hear('started');
      monitor.child.kill(signal);
      const client = await monitor.client('attach 1');
      client.type('\n');
      expect(await monitor.hear('exit')).toBe('exit 6 0');
    });

    test("is the container's to handle as usual: none is ignored or blocked", async () => {
      const monitor = start('grep -E "^Sig(Blk|Ign)" /proc/self/status; umask; ulimit -n');
      await monitor.hear('exit');
      const [blocked, ignored, umask, files] = monitor.log().map(({ log }) => log.trim());
      expect(blocked).toBe('SigBlk:\t0000000000000000');
      // SIGINT and SIGQUIT are ignored by what a shell runs in the background, as this runtime does.
      const { SIGINT, SIGQUIT, SIGXFSZ } = constants.signals;
      const others = (1n << BigInt(SIGXFSZ)) - 1n - (1n << BigInt(SIGINT - 1)) - (1n << BigInt(SIGQUIT - 1));
      expect(BigInt(`0x${ignored?.split('\t')[1]}`) & others).toBe(0n);
      expect(umask).toBe('0022');
      expect(files).toBe(limitOf(process.pid));
    });
  });

  describe('an exec', () => {
    test('has no state, no restart, and an end', async () => {
      const monitor = start('echo done; exit 8', {
        mode: 'exec',
        state: undefined,
        delete: undefined,
        restart: undefined,
      });
      expect(await monitor.hear('exit')).toBe('exit 8 0');
      expect(existsSync(monitor.place.at('state.json'))).toBe(false);
    });

    test('that the runtime refuses is told as an exec', async () => {
      const place = makePlace();
      writeFileSync(place.at('fail'), '{"msg":"executable file `x` not found in $PATH","level":"error"}');
      const monitor = startMonitor({ build, place, settings: { mode: 'exec', state: undefined, delete: undefined } });
      expect(await monitor.hear('error')).toBe(
        'error 127 OCI runtime exec failed: exec failed: unable to start container process: exec: "x": executable file not found in $PATH',
      );
    });
  });
});

function limitOf(pid: number): string {
  return /^Max open files\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/limits`, 'utf8'))?.[1] ?? '';
}
