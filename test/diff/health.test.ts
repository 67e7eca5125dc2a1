import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { both, clearTheStage, expectSame, ours, plain, setTheStage } from '#test/support/compare.ts';
import { docker, noDocker } from '#test/support/peers.ts';

/** The image has this name in both stores. */
const IMAGE = 'localhost/busybox';
const CHECKED = 'localhost/difftest-checked';
const made = ['difftest', 'difftwo'];

/** Flags of create, and what they make of the check; errors count as well. */
const FLAGS = [
  '--health-cmd true',
  '--health-cmd "exit 1" --health-interval 1m',
  '--health-cmd= --health-interval 0',
  '--health-cmd=',
  '--health-interval 1ms',
  '--health-interval 999us',
  '--health-interval 10us',
  '--health-interval -1s',
  '--health-interval x',
  '--health-interval 5',
  '--health-interval 1h30m',
  '--health-timeout 1us',
  '--health-timeout -1ms',
  '--health-timeout 1.5s',
  '--health-retries -1',
  '--health-retries x',
  '--health-retries 0',
  '--health-retries 0x10',
  '--health-start-period 1us',
  '--health-start-period -1s',
  '--health-start-period 2s --health-start-interval 100ms',
  '--health-start-interval 5us',
  '--health-start-interval -5s',
  '--health-interval -1s --health-timeout -1s',
  '--health-timeout 1us --health-interval 1us',
  '--health-retries 4 --health-timeout 2s --health-interval 3s --health-cmd x --health-start-period 1s',
  '--no-healthcheck',
  '--no-healthcheck --health-cmd true',
  '--no-healthcheck --health-retries 3',
  '--no-healthcheck --health-interval 0',
  '--no-healthcheck=false --health-cmd true',
  '--no-healthcheck=x',
  '--health-cmd true --restart always',
  '--restart sometimes',
  '--restart on-failure:x',
  '--restart on-failure:-1',
  '--restart always:2',
  '--restart on-failure:3',
  '--restart :3',
  '--restart unless-stopped --rm',
  '--restart no --rm',
  '--restart=',
];

/** Those that say something of a check: they meet what an image has. */
const MERGED = FLAGS.filter((flags) => /health/.test(flags) && !/-\d|us|[= ]x$/.test(flags));

const SHOWN = '{{json .Config.Healthcheck}} {{json .HostConfig.RestartPolicy}} {{json .State}}';

describe.skipIf(noDocker !== undefined)(`health checks by us and by docker (${noDocker ?? 'here'})`, () => {
  beforeAll(async () => {
    await setTheStage(made);
    for (const line of [
      `create --name difftest ${IMAGE} sleep 1000`,
      `commit --change "HEALTHCHECK --interval=200ms --timeout=3s --retries=4 --start-period=1ms --start-interval=1s CMD nosuch x" difftest ${CHECKED}`,
      'rm difftest',
    ]) {
      await succeedBoth(line);
    }
  });
  afterEach(() => clearTheStage(made));
  afterAll(async () => {
    await clearTheStage(made);
    await succeedBoth(`rmi ${CHECKED}`);
  });

  async function succeedBoth(line: string): Promise<void> {
    const [own, theirs] = await both(line);
    expect([own.status, theirs.status], line).toEqual([0, 0]);
  }

  test.each([...FLAGS.map((flags) => [flags, IMAGE] as const), ...MERGED.map((flags) => [flags, CHECKED] as const)])(
    'create %s %s',
    async (flags, image) => {
      await expectSame(`create --name difftest ${flags} ${image} true`);
      await expectSame(`inspect --format "${SHOWN}" difftest`);
    },
  );

  const states = [
    'ps --filter name=difftest --format "{{.Names}} {{.State}} {{.Status}}"',
    'ps -a --filter name=difftest --filter health=none --format {{.Names}}',
    'ps -a --filter name=difftest --filter health=starting --format {{.Names}}',
    'ps -a --filter name=difftest --filter health=unhealthy --format {{.Names}}',
    'ps --filter health=ill',
    'inspect --format {{.State.Health.Status}} difftest',
    'inspect --format "{{json .State.Health.Status}} {{.State.Health.FailingStreak}} {{len .State.Health.Log}}" difftest',
  ];

  test.each([
    ['is starting', '--health-cmd true --health-interval 1h', 0],
    ['has no check', '--no-healthcheck', 0],
    ['has settings of a check, but none', '--health-interval 1s', 0],
    [
      'has been found well',
      '--health-cmd true --health-interval 1s --health-start-period 1h --health-start-interval 300ms',
      1500,
    ],
  ])('a container that %s', async (_what, flags, wait) => {
    await succeedBoth(`run -d --name difftest --network none ${flags} ${IMAGE} sleep 1000`);
    await sleep(wait);
    const settled = wait === 0 ? states : states.slice(0, -1);
    for (const line of settled) await expectSame(line);
    await succeedBoth('stop -t 0 difftest');
    for (const line of settled) await expectSame(line);
  });

  test.each([
    ['failed', '--health-cmd "echo a; echo b >&2; exit 3" --health-interval 300ms --health-retries 1', IMAGE],
    [
      'took too long',
      '--health-cmd "echo a; sleep 9" --health-timeout 300ms --health-interval 300ms --health-retries 1',
      IMAGE,
    ],
    [
      'said much',
      '--health-cmd "head -c 9999 /dev/zero | tr \'\\0\' x; exit 1" --health-interval 300ms --health-retries 1',
      IMAGE,
    ],
    ["can't be started", '--health-interval 300ms --health-retries 1', CHECKED],
  ])('a check that %s', async (_what, flags, image) => {
    await succeedBoth(`run -d --name difftest --network none ${flags} ${image} sleep 1000`);
    const format =
      '{{range $i, $e := .State.Health.Log}}{{if eq $i 0}}{{$e.ExitCode}} {{json $e.Output}}{{end}}{{end}}';
    const line = ['inspect', '--format', `{{.State.Health.Status}} ${format}`, 'difftest'];
    const known = (text: string) => text.startsWith('unhealthy') && text.length > 12;
    let [own, theirs] = ['', ''];
    while (!known(own) || !known(theirs)) {
      await sleep(100);
      [own, theirs] = [(await ours(line)).stdout, docker(line).stdout];
    }
    expect(plain(own)).toBe(plain(theirs));
  });
});
