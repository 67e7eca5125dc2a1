/** Lists by us and by docker: filters, formats, -q, the user's own formats, and what is said about wrong ones. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { both, clearTheStage, expectSame, setTheStage } from '#test/support/compare.ts';
import { docker, noDocker } from '#test/support/peers.ts';
import { succeed } from '#test/support/wherry.ts';

const IMAGE = 'localhost/busybox';
const [UP, END, NEW] = ['diffup', 'diffend', 'diffnew'];
const NAMES = [UP, END, NEW];
const VOLUME = 'diffvolume';

const MAKE = [
  [
    'run',
    '-d',
    '--name',
    UP,
    '--network',
    'none',
    '--label',
    'b=2',
    '-v',
    `${VOLUME}:/data`,
    '--tmpfs',
    '/t',
    IMAGE,
    'sleep',
    '1000',
  ],
  ['run', '--name', END, '--network', 'none', IMAGE, 'sh', '-c', 'exit 3'],
  ['create', '--name', NEW, '--network', 'none', IMAGE, 'true'],
];

const LINES = [
  'ps -a --filter name=diff --format "table {{.Foo}}"',
  'ps -a --filter name=nothing --format "table {{.Names}}\\t{{.Foo}}"',
  'ps -a --filter name=diffend --format "raw"',
  'ps -aq --filter name=diffend --format "raw"',
  'ps -aq --filter name=diffend --format "{{.Names}}"',
  'ps -aq --filter name=diffend --format "{{.Foo}}"',
  'ps -as --filter name=diffend --format raw',
  'ps -a --filter name=diffend --format "table{{.Names}}"',
  'ps -a --filter name=diffend --format "   {{.Names}}   "',
  'ps -a --filter name=diffend --format "{{.Names}} {{.Size}}"',
  'ps -a --size=false --filter name=diffend --format "{{.Names}} {{.Size}}"',
  'ps -a --filter name=diffend --format "{{slice .Names 0 2}}"',
  'ps --format json --filter name=diffend',
  'ps -a --filter name=diffend --format "table {{.Names}}\\n{{.State}}"',
  `images -q ${IMAGE} --format "{{.Repository}}"`,
  `images -q ${IMAGE} --format raw`,
  `images ${IMAGE} --format raw`,
  `images --digests ${IMAGE} --format raw`,
  'volume ls -f name=diffvolume --format raw',
  'volume ls -qf name=diffvolume --format raw',
  'volume ls -qf name=diffvolume --format "{{.Driver}}"',
  'network ls -f name=bridge --format raw',
  'network ls -qf name=bridge --format "{{.Name}}"',
  'ps -a --filter name=diff --filter status=exited -q --no-trunc',
  'ps -a --filter name=^/diffu --format "{{.Names}}"',
  'ps -a --filter name=diffup$ --format "{{.Names}}"',
  'ps -a --filter name=DIFFUP --format "{{.Names}}"',
  'ps -a --filter name=diff --filter status=removing --format "{{.Names}}"',
  'ps -a --filter name=diff --filter status=dead --format "{{.Names}}"',
  'ps -a --filter name=diff --filter status=foo',
  'ps -a --filter name=diff --filter health=none --format "{{.Names}}"',
  'ps -a --filter name=diff --filter health=foo',
  'ps -a --filter name=diff --filter exited=3 --format "{{.Names}}"',
  'ps -a --filter name=diff --filter exited=0 --format "{{.Names}}"',
  'ps -a --filter name=diff --filter exited=x',
  'ps -a --filter name=diff --filter label=b --format "{{.Names}}"',
  'ps -a --filter name=diff --filter label=b=2 --format "{{.Names}}"',
  'ps -a --filter name=diff --filter label=b=3 --format "{{.Names}}"',
  'ps -a --filter name=diff --filter label!=b --format "{{.Names}}"',
  'ps -a --filter name=diff --filter volume=diffvolume --format "{{.Names}}"',
  'ps -a --filter name=diff --filter volume=/data --format "{{.Names}}"',
  'ps -a --filter name=diff --filter volume=/t --format "{{.Names}}"',
  'ps -a --filter name=diff --filter network=none --format "{{.Names}}"',
  'ps -a --filter name=diff --filter network=bridge --format "{{.Names}}"',
  'ps -a --filter name=diff --filter network=nope --format "{{.Names}}"',
  `ps -a --filter name=diff --filter ancestor=${IMAGE} --format "{{.Names}}"`,
  `ps -a --filter name=diff --filter ancestor=${'0'.repeat(12)} --format "{{.Names}}"`,
  'ps -a --filter name=diff --filter ancestor=nope --format "{{.Names}}"',
  'ps -a --filter name=diff --filter before=diffend --format "{{.Names}}"',
  'ps -a --filter name=diff --filter since=diffend --format "{{.Names}}"',
  'ps -a --filter name=diff --filter before=nope',
  'ps -a --filter name=diff --filter since=nope',
  'ps -a --filter name=diff --filter publish=80 --format "{{.Names}}"',
  'ps -a --filter name=diff --filter publish=x',
  'ps -a --filter name=diff --filter expose=80-90/udp --format "{{.Names}}"',
  'ps -a --filter name=diff --filter expose=80/foo --format "{{.Names}}"',
  'ps -a --filter name=diff --filter is-task=true --format "{{.Names}}"',
  'ps -a --filter name=diff --filter is-task=x',
  'ps -a --filter name=diff --filter isolation=default --format "{{.Names}}"',
  'ps -a --filter name=diff --filter id=zz --format "{{.Names}}"',
  'ps -a --filter foo=bar',
  'ps -a --filter foo',
  'ps -a --filter name',
  'ps -a --filter =x',
  'ps -a --filter "name= diffup " --format "{{.Names}}"',
  'ps -a --filter NAME=diffup --format "{{.Names}}"',
  'ps -a --filter "name=diff(up|end)" --format "{{.Names}}"',
  'ps -a --filter "name=diff(up" --format "{{.Names}}"',
  'ps -a --filter name=diffup --filter name=diffend --format "{{.Names}}"',
  'ps --filter status=exited --filter name=diff --format "{{.Names}}"',
  'ps --last 1 -q --filter name=diff --format "{{.Names}}"',
  'ps -n x',
  'ps -n 0 -q --filter name=diff',
  'images --filter foo=bar',
  'images --filter dangling=x',
  'images --filter label=nope',
  'images --filter reference=localhost/busy* --format "{{.Repository}}"',
  `images --filter reference=*/busybox:latest --format "{{.Repository}}" ${IMAGE}`,
  'images --filter before=nope',
  'images --filter since=nope',
  'images --filter until=x',
  `images --filter until=10m ${IMAGE} --format "{{.Repository}}"`,
  `images --filter before=${IMAGE} ${IMAGE}`,
  'images --filter reference=[',
  'volume ls --filter foo=bar',
  'volume ls --filter dangling=x',
  'volume ls --filter name=diffv -q',
  'volume ls --filter name=^diffv -q',
  'volume ls --filter driver=local --filter name=diffvolume -q',
  'volume ls --filter driver=nope -q',
  'volume ls --filter label=a -q',
  'network ls --filter foo=bar',
  'network ls --filter name=bri --format "{{.Name}}"',
  'network ls --filter driver=host --format "{{.Name}}"',
  'network ls --filter scope=foo',
  'network ls --filter type=foo',
  'network ls --filter type=builtin --format "{{.Name}}"',
  'network ls --filter dangling=x',
  'network ls --filter id=zz',
];

/** inspect of several kinds at once, of one kind, and of what is not there. */
const INSPECTED = [
  'inspect --type network nope',
  'inspect --type config nope',
  'inspect --type node nope',
  'inspect --type service nope',
  'inspect --type task nope',
  'inspect --type plugin nope',
  'inspect --type "" nope',
  'inspect --type foo nope',
  'inspect --type volume nope',
  'inspect --type image nope',
  'inspect --type image bad:UP:x',
  'inspect --type container nope',
  'inspect bad:UP:x "" " "',
  'inspect --type volume ""',
  'inspect --type container ""',
  'inspect --type image ""',
  'inspect --type network ""',
  'inspect ../x a/b',
  `inspect -s -f x diffvolume ${IMAGE} bridge diffend`,
  'inspect -f "{{.Name}}" diffvolume nope1 diffend nope2 bridge',
  `inspect -f "{{.Name}}" diffvolume diffend ${IMAGE} bridge`,
  'inspect -f "{{.Foo}}" diffend nope',
  'inspect',
  'inspect -f',
  'inspect --foo',
  'inspect --format=json nope nope2',
  'container inspect nope diffend -f "{{.Name}}"',
  `image inspect nope ${IMAGE} -f "{{.Os}}"`,
  'volume inspect nope diffvolume -f "{{.Name}}"',
  'network inspect nope none -f "{{.Name}}"',
  'container inspect',
  'image inspect',
  'container inspect -s diffend -f "{{.SizeRw}}"',
];

/** A configuration's text, and the line that shows what it does. */
const CONFIGURED: [config: string, line: string][] = [
  ['{"psFormat":"{{.Names}}|{{.State}}"}', 'ps -a --filter name=diff'],
  ['{"psFormat":"table {{.Names}}"}', 'ps -a --filter name=diff'],
  ['{"psFormat":"{{.Names}}"}', 'ps -a --filter name=diff --format table'],
  ['{"psFormat":"{{.Names}}"}', 'ps -aq --filter name=diff'],
  ['{"psFormat":"{{.Foo}}"}', 'ps -a --filter name=diff'],
  ['{"imagesFormat":"{{.Repository}}"}', `images ${IMAGE}`],
  ['{"volumesFormat":"{{.Driver}}"}', `volume ls --filter name=${VOLUME}`],
  ['{"networksFormat":"{{.Name}}"}', 'network ls --filter name=none'],
];

describe.skipIf(noDocker !== undefined)(`the same list by us and by docker (${noDocker ?? 'here'})`, () => {
  let directory = '';
  beforeAll(async () => {
    await setTheStage(NAMES);
    for (const args of MAKE) await both(args);
    directory = mkdtempSync('/tmp/wherry-lists-');
  });
  afterAll(async () => {
    await clearTheStage(NAMES);
    rmSync(directory, { recursive: true });
    docker(['volume', 'rm', VOLUME]);
    await succeed('volume', 'prune', '--all', '--force');
  });

  test.each(LINES)('%s', (line) => expectSame(line));
  test.each(INSPECTED)('%s', (line) => expectSame(line));

  test.each(CONFIGURED)('with %s: %s', async (config, line) => {
    const folder = mkdtempSync(join(directory, 'config-'));
    writeFileSync(join(folder, 'config.json'), config);
    for (const path of [directory, folder]) chmodSync(path, 0o755);
    await expectSame(['--config', folder, ...line.split(' ')]);
  });
});
