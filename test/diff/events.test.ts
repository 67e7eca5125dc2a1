import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clearTheStage, comparing, expectSame, ours, plain, setTheStage, wordsOf } from '#test/support/compare.ts';
import { docker, noDocker } from '#test/support/peers.ts';
import type { Finished } from '#test/support/user.ts';

const IMAGE = 'localhost/busybox';
const NAMES = ['diffev', 'diffevnew', 'diffevtwo', 'diffevfail'];
const RUN = `run --label diffev=1 --network none`;

type Runner = (args: readonly string[], input?: string) => Promise<Finished> | Finished;

const moment = () => String(Date.now() / 1000);

/** What a list of commands brings about: types, actions and attributes, without what differs by nature. */
async function broughtAbout(run: Runner, lines: readonly string[], filters: readonly string[]): Promise<string[]> {
  const since = moment();
  for (const line of lines) await run(wordsOf(line));
  // Docker's daemon tells of an end a little later than of what brought it about.
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const until = moment();
  const told: string[] = [];
  for (const filter of filters) {
    const { stdout } = await run(['events', '--since', since, '--until', until, '--filter', ...filter.split(' ')]);
    told.push(...plain(stdout).split('\n').filter(Boolean));
  }
  return told.map(withoutChance).sort();
}

/** How long something ran is chance. */
const withoutChance = (line: string) =>
  line.replace(/execDuration=\d+/, 'execDuration=N').replace(/reclaimed=\d+/, 'reclaimed=N');

/** As expectSame(); moments are seconds and nanoseconds here. */
const expectTold = comparing((text) => plain(text).replace(/\b\d{10}(\d{9})?\b/g, 'N'));

interface Same {
  title: string;
  lines: string[];
  /** What of all that happened is looked at. */
  filters: string[];
}

const LISTS: Same[] = [
  {
    title: 'a container that is made, started, signalled, stopped, started and removed',
    lines: [
      `create --label diffev=1 --network none --name diffev ${IMAGE} sleep 1000`,
      'start diffev',
      'kill --signal HUP diffev',
      'restart -t 0 diffev',
      'stop -t 0 diffev',
      'stop diffev',
      'start diffev',
      'kill diffev',
      'wait diffev',
      'rm diffev',
    ],
    filters: ['label=diffev'],
  },
  {
    title: 'containers in front, one of which fails and one of which can’t be started',
    lines: [
      `${RUN} --rm --name diffev ${IMAGE} true`,
      `${RUN} --name diffev ${IMAGE} sh -c "exit 3"`,
      'start -a diffev',
      'rm diffev',
      `${RUN} --rm --name diffevfail ${IMAGE} no-such-program`,
    ],
    filters: ['label=diffev'],
  },
  {
    title: 'a restart policy, and removal by force',
    lines: [
      `${RUN} -d --name diffev --restart on-failure:1 ${IMAGE} false`,
      `${RUN} -d --name diffevtwo ${IMAGE} sleep 1000`,
      'rm -f diffevtwo',
      'wait diffev',
    ],
    filters: ['label=diffev'],
  },
  {
    title: 'exec',
    lines: [
      `${RUN} -d --name diffev ${IMAGE} sleep 1000`,
      'exec diffev sh -c "exit 3"',
      'exec -d diffev true',
      'exec diffev no-such-program',
      'exec -w /nowhere diffev true',
      'rm -f diffev',
    ],
    filters: ['label=diffev'],
  },
  {
    title: 'rename, pause, unpause, top, update, cp and export',
    lines: [
      `${RUN} -d --name diffev ${IMAGE} sleep 1000`,
      'rename diffev diffevnew',
      'pause diffevnew',
      'unpause diffevnew',
      'top diffevnew',
      'update --restart no diffevnew',
      'cp diffevnew:/etc/passwd -',
      'export diffevnew -o /dev/null',
      'diff diffevnew',
      'logs diffevnew',
      'port diffevnew',
      'inspect diffevnew',
      'rm -f diffevnew',
    ],
    filters: ['label=diffev'],
  },
  {
    title: 'a paused container that is stopped, killed and removed',
    lines: [
      `${RUN} -d --init --name diffev ${IMAGE} sleep 1000`,
      'pause diffev',
      'stop -t 5 diffev',
      'start diffev',
      'pause diffev',
      'kill diffev',
      'wait diffev',
      'start diffev',
      'pause diffev',
      'rm -f diffev',
    ],
    filters: ['label=diffev'],
  },
  {
    title: 'commit, tag, save, load and rmi',
    lines: [
      `create --label diffev=1 --name diffev ${IMAGE}`,
      'commit -m why diffev diffev:1',
      'tag diffev:1 diffev:2',
      'save -o /tmp/wherry-diffev.tar diffev:1',
      'rmi diffev:2',
      'rmi diffev:1',
      'rm diffev',
    ],
    filters: ['label=diffev', 'image=diffev'],
  },
  {
    title: 'volumes',
    lines: [
      'volume create diffevol',
      'volume create diffevol',
      `run --rm -v diffevol:/a -v /tmp:/c --network none ${IMAGE} true`,
      `run --rm -v diffevol:/a:ro --network none ${IMAGE} true`,
      'volume rm diffevol',
      'volume rm diffevol',
    ],
    filters: ['volume=diffevol --filter type=volume'],
  },
  {
    title: 'networks',
    lines: [
      'network create diffevnet',
      `run --rm --network diffevnet ${IMAGE} true`,
      `run -d --name diffev ${IMAGE} sleep 1000`,
      'network connect diffevnet diffev',
      'network disconnect diffevnet diffev',
      'network rm diffevnet',
      'rm -f diffev',
    ],
    filters: ['network=diffevnet --filter type=network'],
  },
  {
    title: 'prune',
    lines: ['container prune -f --filter label=no-such-label', 'network prune -f --filter label=no-such-label'],
    filters: ['event=prune --filter type=container', 'event=prune --filter type=network'],
  },
];

describe.skipIf(noDocker !== undefined)(`events, by us and by docker (${noDocker ?? 'here'})`, () => {
  beforeAll(() => setTheStage(NAMES));
  afterAll(() => clearTheStage(NAMES));

  test.each(LISTS)('$title', async ({ lines, filters }) => {
    const theirs = await broughtAbout(docker, lines, filters);
    expect(theirs).not.toEqual([]);
    expect(await broughtAbout(ours, lines, filters)).toEqual(theirs);
    await clearTheStage(NAMES);
  });

  describe('filters and formats', () => {
    let since = '';
    let until = '';
    beforeAll(async () => {
      since = moment();
      for (const run of [ours, docker]) {
        await run(wordsOf(`create --label diffev=1 --label role=db --name diffev ${IMAGE}`));
        await run(wordsOf('rm diffev'));
        await run(wordsOf(`tag ${IMAGE} diffev:1`));
        await run(wordsOf('rmi diffev:1'));
      }
      until = moment();
    });

    const OURS = '--filter label=diffev';
    test.each([
      OURS,
      '--filter container=diffev --filter label=diffev',
      '--filter container=diff --filter label=diffev',
      '--filter container=/diffev',
      '--filter container=no-such',
      `${OURS} --filter event=create`,
      `${OURS} --filter event=cre`,
      `${OURS} --filter event=create --filter event=destroy`,
      `${OURS} --filter event=exec_create --filter event=cre`,
      `${OURS} --filter type=container`,
      `${OURS} --filter type=image`,
      `${OURS} --filter TYPE=container`,
      `${OURS} --filter image=${IMAGE}`,
      `${OURS} --filter image=${IMAGE}:latest`,
      `${OURS} --filter image=busybox`,
      `${OURS} --filter label=role=db`,
      `${OURS} --filter label=role=web`,
      `${OURS} --filter label=none`,
      `${OURS} --filter label!=none`,
      `${OURS} --filter scope=local`,
      `${OURS} --filter scope=swarm`,
      `${OURS} --filter daemon=x`,
      `${OURS} --filter network=x`,
      `${OURS} --filter node=x`,
      `${OURS} --filter plugin=x`,
      `${OURS} --filter volume=x`,
      `${OURS} --filter service=x`,
      `${OURS} --filter config=x`,
      `${OURS} --filter secret=x`,
      `${OURS} --filter colour=red`,
      `${OURS} --filter type=`,
      '--filter image=diffev',
      '--filter image=diffev:1',
      '--filter image=diffev:2',
      `${OURS} --format json`,
      '--filter image=diffev --format json',
      `${OURS} --format "{{json .}}"`,
      `${OURS} --format "{{json .Actor}}"`,
      `${OURS} --format "{{.ID}} {{.From}} {{.Status}} {{.Scope}} {{.Type}} {{.Action}} {{.Actor.Attributes.name}}"`,
      `${OURS} --format "{{.Actor.ID}}"`,
      `${OURS} --format "{{.Actor.Attributes}}"`,
      `${OURS} --format "{{.Actor.Attributes.none}}"`,
      `${OURS} --format "{{range $k, $v := .Actor.Attributes}}{{$k}}:{{$v}};{{end}}"`,
      `${OURS} --format "table {{.ID}}"`,
      `${OURS} --format table`,
      `${OURS} --format "{{.}}"`,
      `${OURS} --format "{{.Actor}}"`,
      `${OURS} --format "{{upper .Action}}"`,
      `${OURS} --format "{{.Actor.Nope}}"`,
      `${OURS} --format "{{.Action.X}}"`,
      `${OURS} --format "{{.time}}"`,
      `${OURS} --format "{{if eq .Scope \`local\`}}here{{end}} {{len .ID}} {{slice .ID 0 0}}"`,
      `${OURS} --format "{{.Nope}}"`,
      `${OURS} --format "{{bad}}"`,
      `${OURS} --format "{{.ID"`,
    ])('docker events %s', async (line) => {
      await expectTold(['events', '--since', since, '--until', until, ...wordsOf(line)]);
    });
  });

  test.each([
    'events x',
    'events --no-such-flag',
    'events --filter x',
    'events --since x',
    'events --since 1h --until x',
    'events --since 12:00',
    'events --since 2000 --until 1000',
    'events --since 2000.5 --until 1000',
    'events --since 2024-01-01 --until 1000',
    'events --since 2024-01-01T00:00:00.5Z --until 1000',
    'events --since 1 --until 2',
    'events --until 1000',
    'events --until 2020-01-01',
    'events --since 3h --until 2h30m --filter type=none',
    'system events --since 1 --until 2',
  ])('docker %s', (line) => expectSame(line));
});
