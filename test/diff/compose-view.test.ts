/** What is said of a project that runs, here and by docker compose: the same lines, the same exit codes. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clearTheStage, setTheStage } from '#test/support/compare.ts';
import { byDocker, byWherry, told } from '#test/support/compose-lines.ts';
import { noDocker } from '#test/support/peers.ts';
import { plant } from '#test/support/tree.ts';

const FILES: Record<string, string> = {
  'compose.yaml': `
services:
  web:
    image: localhost/busybox
    command: [sh, -c, "echo hello; echo bad >&2; exec sleep 1000"]
    init: true
    stop_grace_period: 0s
    ports: ["127.0.0.1::80"]
    volumes: [data:/data]
  quiet: {image: localhost/busybox, command: [sleep, "1000"], init: true, stop_grace_period: 0s, attach: false}
  job: {image: localhost/busybox, command: [sh, -c, "echo done; exit 3"]}
volumes: {data: {}}
`,
  'built.yaml': `
services:
  one: {build: {context: ., dockerfile: one.Dockerfile, args: {A: "1"}, tags: [localhost/cvone:2]}, image: localhost/cvone}
  two: {build: {context: ., dockerfile: one.Dockerfile, target: base, additional_contexts: {one: "service:one"}}}
  three: {image: localhost/busybox}
`,
  'front.yaml': `
name: cvfront
services:
  one:
    image: localhost/busybox
    command: [sh, -c, "echo from one; sleep 1; exit 7"]
    network_mode: none
    depends_on: [two]
  two: {image: localhost/busybox, init: true, command: [sh, -c, "echo from two; exec sleep 1000"], network_mode: none}
`,
  'one.Dockerfile': 'FROM localhost/busybox AS base\nARG A\nRUN echo "$A" >/a\n',
};

const LINES = [
  'ps -a --format "table {{.Name}} {{.Service}} {{.State}} {{.ExitCode}} {{.Project}}"',
  'ps --format "{{.Name}} {{.Command}} {{.Image}} {{.Networks}} {{.LocalVolumes}} {{.Mounts}}"',
  'ps -a --services',
  'ps --status exited --format {{.Name}}',
  'ps --filter status=running --format {{.Name}}',
  'ps --filter nonsense',
  'ps --filter a=b',
  'ps --filter source=x',
  'ps --orphans=false --format {{.Name}}',
  'ps nosuch',
  'ps --format {{.Nope}}',
  'ps --format {{',
  'ls -q --filter name=cview',
  'ls --filter name=nosuch',
  'ls --filter a=b',
  'ls --format nonsense',
  'ls x',
  'images nosuch',
  'images --format nonsense',
  'top nosuch',
  'port web 81/udp',
  'port web x',
  'port web 99999',
  'port nosuch 80',
  'port --index 2 web 80',
  'exec -T web echo hi',
  'exec -T web sh -c "exit 5"',
  'exec -T -e A=1 -e HOME -u 5 -w /tmp web sh -c "echo $A; id -u; pwd"',
  'exec -T --index 2 web true',
  'exec -T nosuch true',
  'exec -T job true',
  'exec web',
  'logs web',
  'logs nosuch',
  'logs --index 1',
  'logs --index 2 web',
  'logs --since nonsense web',
  'volumes -q',
  'volumes web',
  'volumes quiet',
  'volumes nosuch',
  'cp nosuch:/a b',
  'cp a b',
  'cp web:/a quiet:/b',
  'cp "" b',
  'cp a ""',
  'cp compose.yaml web:/tmp/x',
  'cp web:/nosuch -',
  'export nosuch',
  'export job',
  'export --index 3 web',
  'commit nosuch',
  'commit job x',
  'attach nosuch',
  'attach job',
  'stats --no-stream --format {{.Name}} web',
  'stats nosuch --no-stream --format {{.Name}}',
  'version --nonsense',
  'wait nosuch',
  'wait job',
  'logs --tail 0 web',
  'logs --tail nonsense web',
  'logs --since 2030-01-01 job',
  'logs --tail 1 --no-log-prefix job',
  '--ansi always logs job',
  '--ansi nonsense logs job',
  'exec -T -w /nosuch web pwd',
  'exec -T web nosuchcommand',
  'exec -it web true',
  '-p nosuch images --format json',
  '-p nosuch ps --services',
  '-p nosuch top',
  '--dry-run exec -T web true',
  '--dry-run exec web true',
  '--dry-run attach web',
  '--dry-run run -T quiet true',
  '--dry-run run -d quiet true',
  '--dry-run run -q -d quiet true',
  'run --rm -T quiet sh -c "exit 3"',
  '--progress json run --rm -T quiet sh -c "exit 3"',
  'up --exit-code-from nosuch',
  'up --attach nosuch web',
  'up --attach web --attach-dependencies',
  '-f front.yaml up --attach-dependencies one',
  '-f front.yaml up --exit-code-from one',
  '-f front.yaml up --abort-on-container-failure --no-log-prefix',
  '--progress json exec nosuch true',
  '--progress quiet ps nosuch',
  '--progress nonsense ps',
  '--ansi never --progress tty ps',
  '--ansi always --progress plain ps',
  '-f built.yaml build three',
  '-f built.yaml build nosuch',
  '-f built.yaml build --ssh x',
  '-f built.yaml build -q',
  '-f built.yaml push three',
  '-f built.yaml pull two',
  '-f built.yaml pull --ignore-buildable one',
  '-f built.yaml pull --policy missing nosuch',
];

/** What we answer otherwise, and why. */
const DIFFERENT: [line: string, why: string, says: RegExp][] = [
  ['publish x', 'projects are read from registries and not written there', /^Cannot publish to x: /],
  ['events --since 1h --until 0s --json nosuch', 'an end that was asked for is no failure: theirs says EOF', /^$/],
];

/** Where both may look. */
let directory = '';

describe.skipIf(noDocker !== undefined)('a project that runs', () => {
  const own = (line: string) => byWherry(directory, line);
  const theirs = (line: string) => byDocker(directory, line);

  beforeAll(async () => {
    await setTheStage([]);
    directory = plant(join(mkdtempSync(join(tmpdir(), 'wherry-view-')), 'cview'), FILES);
    chmodSync(dirname(directory), 0o755);
    for (const run of [own, theirs]) {
      const up = await run('up -d');
      expect(up, up.stderr).toMatchObject({ status: 0 });
    }
  });

  afterAll(async () => {
    for (const down of ['down -v -t 0', '-f front.yaml down -t 0', '-f built.yaml down --rmi local']) {
      theirs(down);
      await own(down);
    }
    rmSync(dirname(directory), { recursive: true, force: true });
    await clearTheStage([]);
  });

  test.each(LINES)('%s', async (line) => {
    expect(told(await own(line)), line).toEqual(told(theirs(line)));
  });

  test.each(DIFFERENT)('%s: %s', async (line, _why, says) => {
    expect((await own(line)).stderr).toMatch(says);
  });
});
