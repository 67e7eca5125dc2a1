/** What is done to a container that is there: each command in each state, with good and bad words. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clearTheStage, expectSameAtOnce, ours, setTheStage, wordsOf } from '#test/support/compare.ts';
import { docker, noDocker } from '#test/support/peers.ts';
import { eventually } from '#test/support/wherry.ts';

const RUN = '--network none localhost/busybox';
const NAMES = ['new', 'up', 'over', 'frozen', 'loop', 'deaf', 'bad', 'input', 'screen', 'doomed'];

/** `@up` in a line is the container difflife-up. */
const filled = (line: string) => line.replace(/@(?=\w)/g, 'difflife-');

/** A container in each state. */
const STAGE = [
  `create --name @new ${RUN} sh -c "echo out; exit 7"`,
  `run -d --name @up ${RUN} sleep 1000`,
  `run --name @over ${RUN} sh -c "echo out; echo err >&2; exit 7"`,
  `run -d --name @frozen ${RUN} sleep 1000`,
  'pause @frozen',
  `run -d --name @loop --restart always ${RUN} sh -c "exit 3"`,
];

const STATES: [state: string, name: string][] = [
  ['a created', '@new'],
  ['a running', '@up'],
  ['an exited', '@over'],
  ['a paused', '@frozen'],
  ['no', '@gone'],
];

/** What changes nothing, or is refused. */
const IN_EVERY_STATE = [
  'kill -s 0 {}',
  'kill -s -1 {}',
  'kill -s 65 {}',
  'kill -s NOSIG {}',
  'kill -s " " {}',
  'kill -s RTMIN+16 {}',
  'kill -s RTMAX-15 {}',
  'kill -s 1x {}',
  'kill -s SIGSIGTERM {}',
  'port {}',
  'port {} 80',
  'port {} 80/tcp',
  'port {} 80/none',
  'port {} x/tcp',
  'port {} ""',
  'rm -l {}',
  'rm -l {}/alias',
  'logs --since x {}',
  'logs --until x {}',
  'logs --tail 0 {}',
  'stop -t x {}',
  'stop -t 1.5 {}',
  'stop -t 1 --time 2 {}',
  'restart -t x {}',
  'start -a {} {}',
  'start -i {} nope',
  'attach {} {}',
  'attach --nonsense {}',
  'wait --nonsense {}',
  'rm --nonsense {}',
  'exec --nonsense {} true',
  'inspect --format "{{.State.Status}} {{.State.ExitCode}} {{.State.Running}} {{.State.Paused}} {{.State.Error}}" {}',
];

/** Said in this order. `until NAME TEXT`: goes on when the container has written that, so that no signal comes too early. */
const STORY: (string | [line: string, input: string])[] = [
  'kill @new @over @gone',
  'stop @new @over',
  'stop @over @gone',
  'wait @new @over',
  'wait @over @gone @over',
  'attach @new',
  'attach @over',
  'attach @frozen',
  'attach @gone',
  'attach --detach-keys ctrl-, @over',
  'rm @up',
  'rm @frozen',
  'rm @gone @gone',
  'rm -f @gone',
  'rm -fv @gone @gone',
  'start @up',
  'start @frozen',
  'start @gone',
  'start @gone @gone',
  'start -a @gone',
  'exec @frozen true',
  'exec @loop true',
  'logs @new',
  'logs -f @new',
  'logs -f @over',
  'logs -n 1 @over @over',
  'restart @gone @gone',
  'restart -s NOSIG @up',
  'restart -s NOSIG @over',
  'stop -s NOSIG @up',
  'stop -s NOSIG @over',
  'kill -s WINCH @up',
  'kill -s CLD @up',
  'kill -s RTMIN+3 @up',
  'kill -s 007 @up',
  'kill -s "" @over',
  'start -a @over',
  'start -a @over @new',
  'rm @loop @over @new',
  'stop -t 0 @loop',
  'rm @loop @over @new',
  'unpause @frozen',
  'stop -t 0 @frozen',
  'start @frozen',
  'restart -t 0 @frozen',
  'inspect --format "{{.State.Running}} {{.State.ExitCode}} {{.RestartCount}}" @frozen',
  // A signal that ends nothing: the second of two kills may find the container gone, with either of us.
  'kill -s URG @frozen @frozen @gone',
  'kill @frozen',
  'wait @frozen @frozen',
  'inspect --format "{{.State.Status}} {{.State.ExitCode}}" @frozen',
  'rm @frozen',
  `run -d --name @deaf ${RUN} sh -c "trap 'echo told' USR1; trap 'exit 5' TERM; trap 'exit 9' INT; echo ready; while :; do sleep 0.1; done"`,
  'until @deaf ready',
  'stop --time 30 @deaf',
  'inspect --format {{.State.ExitCode}} @deaf',
  'restart @deaf',
  'until @deaf ready\nready',
  'kill -s USR1 @deaf',
  'until @deaf told',
  'stop -s INT @deaf',
  'inspect --format {{.State.ExitCode}} @deaf',
  'start @deaf',
  'until @deaf told\nready',
  'stop -s USR1 -t 1 @deaf',
  'inspect --format {{.State.ExitCode}} @deaf',
  'rm @deaf',
  `create --name @bad ${RUN} nosuch`,
  'start @bad',
  'start -a @bad',
  'restart @bad',
  'start @bad @gone',
  'inspect --format "{{.State.Status}} {{.State.ExitCode}} {{.State.Error}}" @bad',
  'ps -a --filter name=@bad --format "{{.State}} {{.Status}}"',
  'wait @bad',
  'logs @bad',
  'rm @bad',
  `create --name @bad ${RUN} /etc`,
  'start -a @bad',
  'start @bad',
  'wait @bad',
  'stop @bad',
  'rm -f @bad',
  `create -i --name @input ${RUN} sh -c "read x; echo got $x; exit 4"`,
  ['start -ai @input', 'hello\n'],
  ['start -i @input', 'once more\n'],
  'logs @input',
  'inspect --format {{.State.ExitCode}} @input',
  'start -a --sig-proxy=false @input',
  'rm @input',
  `create -t --name @screen ${RUN} sh -c "tty; echo err >&2"`,
  'start -a @screen',
  'start -ai @screen',
  'logs @screen',
  'rm @screen',
  `run -d --name @doomed -v /data ${RUN} sleep 1000`,
  'rm -v @doomed',
  'rm -f -v @doomed',
  `run --rm -d --name @doomed ${RUN} sleep 1000`,
  'restart -t 0 @doomed',
  'inspect --format {{.State.Running}} @doomed',
  'stop -t 0 @doomed',
  `run -d --stop-signal KILL --name @doomed ${RUN} sleep 1000`,
  'stop @doomed',
  'inspect --format {{.State.ExitCode}} @doomed',
  'rm @doomed',
  `run -d --stop-timeout 0 --name @doomed ${RUN} sleep 1000`,
  'stop @doomed',
  'restart @doomed',
  'rm -f @doomed',
  'container prune x',
  'container prune --filter x',
  'container prune -f --filter nope=1',
  'container prune -f --filter until=x',
  'container prune -f --filter label=difflife',
  'container prune --filter label=difflife',
  ['container prune --filter label=difflife', 'n\n'],
  ['container prune --filter label=difflife', 'y\n'],
  `create --name @doomed --label difflife ${RUN} true`,
  'container prune -f --filter label=difflife --filter until=1h',
  'container prune -f --filter label!=difflife --filter label=difflife',
  ['container prune --filter label=difflife', 'y\n'],
  'start @doomed',
  `run --name @doomed -a stdout ${RUN} sh -c "echo o; echo e >&2"`,
  'rm @doomed',
  `run --rm -a stderr ${RUN} sh -c "echo o; echo e >&2"`,
  [`run --rm -a stdin -i ${RUN} cat`, 'abc'],
];

describe.skipIf(noDocker !== undefined)(
  `what is done to containers, by us and by docker (${noDocker ?? 'here'})`,
  () => {
    const everything = NAMES.map((name) => filled(`@${name}`));
    beforeAll(async () => {
      await setTheStage(everything);
      for (const line of STAGE.map(filled)) {
        const [own, theirs] = [await ours(wordsOf(line)), docker(wordsOf(line))];
        expect(own.status, `${line}: ${own.stderr}`).toBe(theirs.status);
      }
      // Until the pauses between its starts are so long that it is found in one.
      const attempts = (text: string) => Number(text) >= 5;
      const count = wordsOf(filled('inspect --format {{.RestartCount}} @loop'));
      await eventually(async () => (await ours(count)).stdout, attempts);
      await eventually(() => docker(count).stdout, attempts);
    });
    afterAll(() => clearTheStage(everything));

    test('docker start -a says why a paused container is not started, where Docker tells only that it could not attach', async () => {
      const words = wordsOf(filled('start -a @frozen'));
      const [own, theirs] = [await ours(words), docker(words)];
      expect([own.status, own.stdout]).toEqual([theirs.status, theirs.stdout]);
      expect(own.stderr).toBe('Error response from daemon: cannot start a paused container, try unpause instead\n');
    });

    describe.each(STATES)('said to %s container', (_state, name) => {
      test.each(IN_EVERY_STATE)('docker %s', (line) => expectSameAtOnce(filled(line.replace(/\{\}(?!\})/g, name))));
    });

    test.each(STORY.map((line) => (typeof line === 'string' ? [line, undefined] : line)))(
      'docker %s',
      async (line, input) => {
        const [word, name = '', text = ''] = filled(line).split(' ');
        if (word !== 'until') return expectSameAtOnce(filled(line), input);
        const hasWritten = (log: string) => log.includes(text);
        await eventually(async () => (await ours(['logs', name])).stdout, hasWritten);
        await eventually(() => docker(['logs', name]).stdout, hasWritten);
      },
    );
  },
);
