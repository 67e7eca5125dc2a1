/** Limits, update, pause and stats: the same lines by us and by Docker. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clearTheStage, expectSame, ours, setTheStage, wordsOf } from '#test/support/compare.ts';
import { docker, noDocker } from '#test/support/peers.ts';

/** The image has this name in both stores. */
const IMAGE = 'localhost/busybox';
const made = ['limited', 'stopped', 'brief'];
const run = (flags: string) => `run --rm --network none ${flags} ${IMAGE} true`;

const NO_CGROUPS = 'Docker is root here, and has controllers that a user’s wherry has not';

/** What we answer otherwise than Docker, and why. */
const DIFFERENT: [line: string, { why: string; says: RegExp }][] = [
  ...(
    [
      ['--device-read-bps /dev/vda:1mb', /Block I\/O BPS read limit discarded\.$/m],
      ['--device-write-bps /dev/vda:1mb', /Block I\/O BPS write limit discarded\.$/m],
      ['--device-read-iops /dev/vda:100', /Block I\/O IOPS read limit discarded\.$/m],
      ['--device-write-iops /dev/vda:100', /Block I\/O IOPS write limit discarded\.$/m],
      ['--device-read-bps /dev/nonsense:1mb', /Block I\/O BPS read limit discarded\.$/m],
      ['--cpu-rt-period 1000', /kernel does not support CPU real-time scheduler$/m],
      ['--cpu-rt-runtime 1000 --cpu-rt-period 500', /kernel does not support CPU real-time scheduler$/m],
      ['--memory-swappiness 50', /Memory swappiness discarded\.$/m],
      ['--oom-kill-disable', /OomKillDisable discarded\.$/m],
      ['--memory 20m', /Limitation discarded\.$/m],
      ['--memory-reservation 20m', /Limitation discarded\.$/m],
      ['--pids-limit 100', /PIDs limit discarded\.$/m],
      ['--cpu-shares 512', /Shares discarded\.$/m],
      ['--cpu-quota 50000', /CPU period\/quota discarded\.$/m],
      ['--cpus 0.5', /^docker: Error response from daemon: NanoCPUs can not be set, as your kernel/m],
      ['--cpuset-cpus 0', /Cpuset discarded\.$/m],
      ['--cpu-period 5', /CPU period\/quota discarded\.$/m],
      ['--cpu-quota 5', /CPU period\/quota discarded\.$/m],
      ['--memory 20m --memory-reservation 30m', /memory soft limit .* Limitation discarded\.$/m],
      ['--memory 20m --memory-swap 10m', /memory limit .* Limitation discarded\.$/m],
      ['--memory-reservation 1m', /memory soft limit .* Limitation discarded\.$/m],
      ['--cpus 100', /NanoCPUs can not be set, as your kernel/m],
    ] as const
  ).map(([flags, says]): [string, { why: string; says: RegExp }] => [run(flags), { why: NO_CGROUPS, says }]),
  [
    `run --rm --device-cgroup-rule "c 1:3 rwm" ${IMAGE} true`,
    {
      why: 'only root may load the program that decides on devices',
      says: /^WARNING: Only root may set device cgroup rules/m,
    },
  ],
  ['start -a limited', { why: 'Docker’s says what its protocol says', says: /cannot start a paused container/ }],
  ['update --memory 50m stopped', { why: NO_CGROUPS, says: /^stopped\nYour kernel does not support memory limit/ }],
  ['update --memory 50m --memory-swap 40m stopped', { why: NO_CGROUPS, says: /^stopped\nYour kernel does not/ }],
  ['update --memory-reservation 1m stopped', { why: NO_CGROUPS, says: /memory soft limit/ }],
  ['update --cpus 100 stopped', { why: NO_CGROUPS, says: /NanoCPUs can not be set/ }],
  ['update --cpus 1 stopped', { why: NO_CGROUPS, says: /NanoCPUs can not be set/ }],
  ['update --pids-limit 50 stopped', { why: NO_CGROUPS, says: /PIDs limit discarded/ }],
];

describe.skipIf(noDocker !== undefined)(`the same line by us and by docker (${noDocker ?? 'here'})`, () => {
  beforeAll(() => setTheStage(made));
  afterAll(() => clearTheStage(made));

  const rejected = [
    '--blkio-weight x',
    '--blkio-weight -1',
    '--blkio-weight 70000',
    '--blkio-weight-device x',
    '--blkio-weight-device /dev/x',
    '--blkio-weight-device x:100',
    '--blkio-weight-device /dev/null:x',
    '--blkio-weight-device /dev/null:5',
    '--blkio-weight-device /dev/vda:100:3',
    ...['read', 'write'].flatMap((way) => [
      `--device-${way}-bps x`,
      `--device-${way}-bps x:1mb`,
      `--device-${way}-bps /dev/vda:x`,
      `--device-${way}-bps /dev/vda:-1`,
      `--device-${way}-bps /dev/vda:1mb:x`,
      `--device-${way}-iops x`,
      `--device-${way}-iops x:100`,
      `--device-${way}-iops /dev/vda:x`,
      `--device-${way}-iops /dev/vda:-1`,
      `--device-${way}-iops /dev/vda:1mb`,
    ]),
    '--cpu-rt-period x',
    '--cpu-rt-runtime x',
    '--cpu-count 1',
    '--cpu-count x',
    '--cpu-percent 50',
    '--cpu-percent x',
    '--cpu-percent 50 --cpu-count 1',
    '--io-maxbandwidth 1m',
    '--io-maxbandwidth x',
    '--io-maxiops 100',
    '--io-maxiops -1',
    '--device-cgroup-rule x',
    '--kernel-memory x',
    '--memory-swappiness 200',
    '--memory-swappiness -5',
    '--memory-swappiness x',
    '--oom-kill-disable=x',
    '--isolation x',
    '--isolation hyperv',
    '--storage-opt x',
    '--storage-opt size=1G',
    '--storage-opt size=x',
    '--storage-opt foo=1',
    '--memory 1m',
    '--memory x',
    '--memory -1',
    '--memory-swap 10m',
    '--memory-swap -2',
    '--memory-swap x',
    '--memory 1m --cpus 100',
    '--cpus 1/x',
    '--cpus 0.0000000001',
    '--cpus -1',
    '--cpus x',
    '--cpus 1 --cpu-period 5',
    '--cpus 1 --cpu-quota 5',
    '--cpu-shares x',
    '--cpuset-cpus 99',
    '--cpuset-cpus x',
    '--cpuset-mems 99',
    '--cpuset-mems x',
    '--pids-limit x',
    '--ulimit x',
    '--ulimit nonsense=1',
    '--ulimit nofile=1:2:3',
    '--ulimit nofile=5:2',
    '--oom-score-adj x',
    '--oom-score-adj 2000',
    '--oom-score-adj 2000 --memory 1m',
    '--oom-score-adj 2000 --ipc nonsense',
    '--isolation x --memory 1m',
    '--shm-size -1',
  ].map(run);

  const accepted = [
    '--blkio-weight 0',
    '--blkio-weight 300',
    '--blkio-weight-device /dev/nonsense:100',
    '--kernel-memory 10m',
    '--memory-swappiness -1',
    '--isolation default',
    '--pids-limit -1',
    '--ulimit nofile=64:128',
  ].map(run);

  const inspected = (flags: string, field: string) => [
    `create --name stopped --network none ${flags} ${IMAGE} sleep 1000`,
    `inspect --format "{{json .HostConfig.${field}}}" stopped`,
    'rm stopped',
  ];

  const shown = [
    ...inspected('--isolation default', 'Isolation'),
    ...inspected('--pids-limit -1', 'PidsLimit'),
    ...inspected('--ulimit nofile=64:128', 'Ulimits'),
    ...inspected('--oom-score-adj 500', 'OomScoreAdj'),
    ...inspected('--cgroup-parent mine', 'CgroupParent'),
  ];

  const lifecycle = [
    'pause',
    'pause no-such',
    'unpause no-such',
    'update',
    'update no-such',
    'stats --no-stream no-such',
    `create --name stopped --network none ${IMAGE} sleep 1000`,
    `run -d --name limited --network none ${IMAGE} sleep 1000`,
    `run -d --name brief --rm --network none ${IMAGE} sleep 1000`,
    'pause stopped',
    'unpause stopped',
    'unpause limited',
    'pause limited stopped brief',
    'pause limited',
    'ps --filter name=limited --format "{{.State}} {{.Status}}"',
    'ps --filter status=paused --filter name=limited --format {{.Names}}',
    'ps --filter status=running --filter name=limited --format {{.Names}}',
    'inspect --format "{{.State.Status}} {{.State.Running}} {{.State.Paused}}" limited',
    'exec limited true',
    'attach limited',
    'start limited',
    'logs limited',
    'rm limited',
    'kill -s USR1 limited',
    'inspect --format {{.State.Status}} limited',
    'pause limited',
    'stop -t 0 limited',
    'inspect --format "{{.State.Status}} {{.State.ExitCode}} {{.State.Paused}}" limited',
    'start limited',
    'pause limited',
    'restart -t 0 limited',
    'inspect --format "{{.State.Status}} {{.State.Paused}}" limited',
    'pause limited',
    'rm -f limited',
    'unpause brief',
    'update stopped',
    'update --memory 1m stopped',
    'update --memory 1m no-such stopped',
    'update --cpuset-cpus 99 stopped',
    'update --cpuset-cpus x stopped',
    'update --cpus -1 stopped',
    'update --cpus 1 --cpu-period 5000 stopped',
    'update --cpu-quota x stopped',
    'update --pids-limit x stopped',
    'update --blkio-weight x stopped',
    'update --blkio-weight 300 stopped brief',
    'update --kernel-memory 10m stopped',
    'update --memory-swappiness 5 stopped',
    'update --restart sometimes stopped',
    'update --restart sometimes --memory 1m stopped',
    'update --restart always:3 stopped',
    'update --restart on-failure:-1 stopped',
    'update --restart on-failure:x stopped',
    'update --restart :3 stopped',
    'update --restart "" stopped',
    'update --restart always brief',
    'update --restart no brief',
    'update --restart on-failure:3 stopped',
    'inspect --format "{{json .HostConfig.RestartPolicy}}" stopped',
    'update --restart always no-such',
    'stats --no-stream stopped',
    'stats --no-stream --format json stopped',
    'stats --no-stream --format "table {{.Name}}\t{{.PIDs}}" stopped',
    'stats --no-stream --format "{{.Container}} {{.Name}} {{.MemUsage}} {{.NetIO}} {{.BlockIO}} {{.PIDs}}" stopped brief no-such',
    'stats --no-stream --format "{{.Container}} {{.Name}} {{.NetIO}} {{.PIDs}}" brief stopped',
    'stats --no-stream --format {{.Nonsense}} stopped',
    'stats --no-stream --format {{ stopped',
    'stats --no-stream --nonsense',
    'rm -f brief stopped',
  ];

  test.each([...rejected, ...accepted, ...shown, ...lifecycle])('docker %s', (line) => expectSame(line));
});

describe.skipIf(noDocker !== undefined)('allowed differences', () => {
  beforeAll(async () => {
    await setTheStage(made);
    for (const line of [
      `create --name stopped --network none ${IMAGE} true`,
      `run -d --name limited --network none ${IMAGE} sleep 1000`,
      'pause limited',
    ]) {
      await ours(wordsOf(line));
      docker(wordsOf(line));
    }
  });
  afterAll(() => clearTheStage(made));

  test.each(DIFFERENT)('docker %s: %o', async (line, { says }) => {
    const { stdout, stderr } = await ours(wordsOf(line));
    expect(stdout + stderr).toMatch(says);
  });
});
