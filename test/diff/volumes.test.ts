import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { expectSame, ours, setTheStage } from '#test/support/compare.ts';
import { docker, noDocker } from '#test/support/peers.ts';
import { BUSYBOX } from '#test/support/wherry.ts';

/** All that is made here is called so: Docker's own volumes are none of ours to remove. */
const NAMES = ['wdv1', 'wdv2', 'wdv3', 'wdv4'];

/** A directory of the host that everybody may write in. */
let directory: string;

function makeDirectory(): void {
  directory = mkdtempSync(join(tmpdir(), 'wherry-volumes-'));
  mkdirSync(join(directory, 'sub'));
  writeFileSync(join(directory, 'file'), 'text\n');
  symlinkSync('sub', join(directory, 'link'));
  symlinkSync('nowhere', join(directory, 'dangling'));
  for (const path of [directory, join(directory, 'sub')]) chmodSync(path, 0o777);
}

/** An image with all kinds of files at a place that is a volume's. */
async function makeImage(): Promise<void> {
  const script = [
    'mkdir -p /data/sub && cd /data && echo a > a && ln a hard && ln -s a link && truncate -s 9M sparse && mkfifo fifo',
    'chown -h 5:6 link && chown 7:8 sub && chmod 2751 sub && chmod 4755 a && chown 33:44 . && chmod 1770 .',
  ].join(' && ');
  for (const run of [docker, ours]) {
    await run(['rm', '-f', 'wdv']);
    for (const line of [
      ['run', '--name', 'wdv', '--network', 'none', BUSYBOX, 'sh', '-c', script],
      ['commit', '-c', 'VOLUME /data', '-c', 'VOLUME /none', 'wdv', 'wdv:image'],
    ]) {
      expect(await run(line)).toMatchObject({ status: 0 });
    }
  }
}

async function clear(): Promise<void> {
  for (const run of [docker, ours]) {
    await run(['rm', '-f', 'wdv']);
    await run(['volume', 'rm', '-f', ...NAMES]);
  }
}

describe.skipIf(noDocker !== undefined)(`volumes as Docker has them (${noDocker ?? 'compared'})`, () => {
  beforeAll(async () => {
    makeDirectory();
    await clear();
    await setTheStage(['wdv']);
    await makeImage();
  });
  afterAll(async () => {
    await clear();
    for (const run of [docker, ours]) await run(['rmi', 'wdv:image']);
    rmSync(directory, { recursive: true });
  });
  beforeEach(async () => {
    await clear();
    for (const run of [docker, ours]) {
      const made = await run(['volume', 'create', '--label', 'colour=red', '--label', 'b', 'wdv1']);
      expect(made).toMatchObject({ status: 0 });
      expect(await run(['volume', 'create', '-o', 'type=tmpfs', '-o', 'device=tmpfs', 'wdv2'])).toMatchObject({
        status: 0,
      });
    }
  });

  test.each([
    'volume create wdv3',
    'volume create wdv1 --label other=1',
    'volume create --name wdv3',
    'volume create --name wdv3 wdv4',
    'volume create -d local wdv3',
    'volume create -d foo wdv3',
    'volume create x',
    'volume create ../x',
    'volume create --label = wdv3',
    'volume create --label "a b=c" wdv3',
    'volume create -o bogus=1 wdv3',
    'volume create -o foo wdv3',
    'volume create -o device=/tmp wdv3',
    'volume create -o type=tmpfs wdv3',
    'volume create -o o=bind wdv3',
    'volume create -o size=1G wdv3',
    'volume inspect',
    'volume inspect nope',
    'volume inspect -f "{{.Name}} {{.Driver}} {{.Scope}} {{.Labels}} {{.Options}} {{json .Status}}" wdv1 wdv2',
    'volume inspect -f "{{json .Labels}} {{json .Options}}" wdv1 wdv2 nope',
    'volume inspect -f {{.Foo wdv1',
    'volume ls --filter name=wdv',
    'volume ls -q --filter name=wdv',
    'volume ls -q --filter name=^wdv1$',
    'volume ls -q --filter name=wdv --filter label=colour',
    'volume ls -q --filter name=wdv --filter label=colour=blue',
    'volume ls -q --filter name=wdv --filter label=colour=red --filter label=b',
    'volume ls -q --filter name=wdv --filter dangling=true',
    'volume ls -q --filter name=wdv --filter dangling=false',
    'volume ls -q --filter name=wdv --filter driver=local',
    'volume ls -q --filter name=wdv --filter driver=other',
    'volume ls --filter dangling=x',
    'volume ls --filter foo=1',
    'volume ls --filter foo',
    'volume ls --filter name=wdv --format "{{.Name}}|{{.Driver}}|{{.Scope}}|{{.Links}}|{{.Size}}|{{.Label `colour`}}"',
    'volume ls --filter name=wdv --format "table {{.Name}}\\t{{.Driver}}\\t{{.Label `a.some-key`}}"',
    'volume ls --format "{{.Foo}}"',
    'volume ls --cluster',
    'volume ls extra',
    'volume rm',
    'volume rm nope',
    'volume rm wdv1 nope wdv2',
    'volume rm -f nope wdv1',
    'volume update wdv1',
    'volume create --driver "" wdv3',
    'volume create wdv1 -d foo',
    'volume create wdv2 -o type=tmpfs -o device=tmpfs -o o=size=20m',
    'volume create a/b',
    'volume create .a',
    'volume create _x',
    'volume create wdv@x',
    'volume create --opt type wdv3',
    'volume create -o o= -o type= -o device= wdv3',
    'volume create -o type=none -o o=bind -o device=/not/there wdv3',
    'volume inspect ""',
    'volume inspect a/b',
    'volume inspect -s wdv1',
    'volume ls -f name=wdv -f name=wdx',
    'volume ls -q -f label=colour=red -f label=b',
    'volume ls -f label=colour=',
    'volume ls -f label!=colour',
    'volume ls -f scope=local',
    'volume ls -f name=wdv2 --format table',
    'volume ls -f name=wdv2 --format raw',
    'volume ls -f "name=["',
    'volume ls -f dangling=TRUE -f name=wdv',
    'volume rm wdv1 wdv1',
    'volume rm ""',
    'volume rm -f ""',
    'volume rm a/b',
    'volume remove nope',
    'volume prune extra',
    'volume prune -f --filter foo=bar',
    'volume prune -f --filter until=1h',
    'volume prune -f -a --filter all=1',
    'volume prune -f --filter all=x',
    'run --rm --network none --mount type=bind,src=/usr,dst=/x,bind-recursive=foo localhost/busybox true',
    'run --rm --network none --mount type=bind,src=/usr,dst=/x,bind-recursive=writable localhost/busybox true',
    'run --rm --network none --mount type=bind,src=/usr,dst=/x,ro,bind-recursive=writable localhost/busybox true',
    'run --rm --network none --mount type=bind,src=/usr,dst=/x,ro,bind-recursive=readonly localhost/busybox true',
    'run --rm --network none --mount type=bind,src=/usr,dst=/x,volume-nocopy localhost/busybox true',
    'run --rm --network none --mount volume-opt=foo,src=wdv3,dst=/x localhost/busybox true',
    'run --rm --network none --mount volume-label=a,volume-label=b=c,src=wdv3,dst=/x localhost/busybox true',
    'run --rm --network none --mount src=wdv1,dst=/x,volume-subpath=nope/../.. localhost/busybox true',
    'run --rm --network none --mount src=wdv1,dst=/x,volume-subpath=../.. localhost/busybox true',
    'run --rm --network none --mount src=wdv1,dst=/x,volume-subpath=/abs localhost/busybox true',
    'run --rm --network none --mount src=wdv1,dst=/x,volume-subpath= localhost/busybox ls /x',
    'run --rm --network none --mount dst=/x,volume-subpath=sub localhost/busybox true',
    'run --rm --network none --mount type=image,dst=/x localhost/busybox true',
    'run --rm --network none --mount type=cluster,src=x,dst=/x localhost/busybox true',
    'run --rm --network none --mount type=npipe,src=x,dst=/x localhost/busybox true',
    'run --rm --network none --mount type=foo,src=x,dst=/x localhost/busybox true',
    'run --rm --network none --mount type=tmpfs,dst=/x,tmpfs-size=x localhost/busybox true',
    'run --rm --network none --mount type=tmpfs,dst=/x,tmpfs-mode=9 localhost/busybox true',
    'run --rm --network none --mount type=tmpfs,dst=/x,src=/y localhost/busybox true',
    'run --rm --network none --mount type=tmpfs,dst=/x,tmpfs-options=noexec localhost/busybox true',
    'run --rm --network none -v wdv3:/x:z localhost/busybox true',
    'run --rm --network none -v wdv3:/x:Z,ro localhost/busybox true',
    'run --rm --network none -v wdv3:/x:nocopy,ro localhost/busybox true',
    'run --rm --network none -v wdv3:/x:shared localhost/busybox true',
    'run --rm --network none -v /usr:/x:nocopy localhost/busybox true',
    'run --rm --network none -v /usr:/x:cached localhost/busybox true',
    'run --rm --network none -v /usr:/x:rw,ro localhost/busybox true',
    'run --rm --network none -v /usr:/x:z,Z localhost/busybox true',
    'run --rm --network none -v /usr:/x:exec localhost/busybox true',
    'run --rm --network none --volume-driver local -v wdv3:/x localhost/busybox true',
    'run --rm --network none --volumes-from nope localhost/busybox true',
    'run --rm --network none --volumes-from nope:foo localhost/busybox true',
    'run --rm -v wdv3:/x --mount type=volume,src=wdv2,dst=/y localhost/busybox ls /x /y',
  ])('%s', (line) => expectSame(line));

  test.each([
    '-v DIR:/x IMAGE ls /x',
    '-v DIR/link:/x IMAGE ls /x',
    '-v DIR/dangling:/x IMAGE ls /x',
    '-v DIR:/x:ro IMAGE touch /x/a',
    '-v DIR:/x:z IMAGE ls /x',
    '-v DIR:/x:Z,ro IMAGE ls /x',
    '-v DIR:/x:rprivate,ro IMAGE ls /x',
    '-v DIR:/x:private,shared IMAGE ls /x',
    '-v DIR:/x: IMAGE ls /x',
    '-v DIR:/x:, IMAGE ls /x',
    '-v DIR:/x:RO IMAGE ls /x',
    '-v DIR: IMAGE ls /x',
    '-v :/x IMAGE ls /x',
    '-v /x:/y:ro:z IMAGE ls /x',
    '-v DIR:x IMAGE ls /x',
    '-v DIR:/ IMAGE ls /x',
    '-v a:/x IMAGE ls /x',
    '-v a/b:/x IMAGE ls /x',
    '-v wdv3:/x/../y IMAGE ls -d /y',
    '-v wdv3:/x -v wdv4:/x IMAGE ls /x',
    '-v wdv3:/x -v wdv3:/x IMAGE ls /x',
    '-v wdv3:/x -v wdv3:/x:ro IMAGE ls /x',
    '-v wdv3:/x -v wdv4:/x/ IMAGE ls /x',
    '-v wdv3:/x --mount type=tmpfs,dst=/x IMAGE ls /x',
    '-v wdv3:/x --tmpfs /x IMAGE ls /x',
    '-v /x -v wdv3:/x IMAGE grep -c " /x " /proc/mounts',
    "-v wdv3:/a/b/c -v wdv4:/a --tmpfs /a/b IMAGE sh -c \"grep ' /a' /proc/mounts | cut -d' ' -f2\"",
    '-v DIR/file:/etc/hosts IMAGE cat /etc/hosts',
    '-v DIR/file:/etc/hostname IMAGE cat /etc/hostname',
    '-v DIR/file:/new/file IMAGE cat /new/file',
    '-v DIR:/sys IMAGE ls /sys',
    '-v DIR:/dev/shm IMAGE ls /dev/shm',
    '-v /proc/cpuinfo:/proc/cpuinfo IMAGE ls /proc/cpuinfo',
    '--read-only -v DIR:/new/place IMAGE ls /new/place',
    '--read-only -v wdv3:/new/place IMAGE touch /new/place/a',
    '--read-only -v /anon IMAGE touch /anon/a',
    '-v DIR:/x:ro -v wdv3:/x/sub IMAGE touch /x/sub/a',
    '-v DIR:/x:exec IMAGE ls /x',
    '--mount type=bind,src=DIR/dangling,dst=/x IMAGE ls /x',
    '--mount type=bind,src=DIR/missing,dst=/x IMAGE ls /x',
    '--mount type=bind,src=DIR/file/x,dst=/x IMAGE ls /x',
    '--mount type=bind,src=relative,dst=/x IMAGE ls /x',
    '--mount type=bind,dst=/x IMAGE ls /x',
    '--mount type=bind,src=DIR IMAGE ls /x',
    '--mount type=bind,src=DIR,dst=x IMAGE ls /x',
    '--mount type=bind,src=DIR,dst=/ IMAGE ls /x',
    '--mount type=bind,src=DIR,dst=/x,dst=/y IMAGE ls /y',
    '--mount type=bind,src=DIR,dst=/x,consistency=cached IMAGE ls /x',
    '--mount type=bind,src=DIR,dst=/x,bind-propagation=bogus IMAGE ls /x',
    '--mount type=bind,src=DIR,dst=/x,readonly=maybe IMAGE true',
    '--mount type=bind,src=DIR,dst=/x,ro IMAGE touch /x/y',
    '--mount type=bind,src=DIR,dst=/x,bind-nonrecursive IMAGE ls /x',
    '--mount type=bind,src=DIR,dst=/x,bind-recursive=disabled IMAGE ls /x',
    '--mount type=bind,src=DIR,dst=/x,ro,bind-recursive=readonly,bind-propagation=rprivate IMAGE touch /x/y',
    '--mount type=bind,src=DIR,dst=/x,tmpfs-size=1m IMAGE true',
    '--mount type=volume,src=DIR,dst=/x IMAGE true',
    '--mount type=volume,src=wdv3,dst=/etc,volume-nocopy IMAGE ls /etc',
    '--mount type=volume,dst=/x,ro IMAGE true',
    '--mount type=volume,dst=/x,volume-opt=type=tmpfs,volume-opt=device=tmpfs,volume-opt=o=size=1m IMAGE df /x',
    '--mount type=volume,src=wdv3,dst=/x,volume-opt=bogus=1 IMAGE true',
    '--mount type=tmpfs,dst=/x,tmpfs-size=1m,tmpfs-mode=0700 IMAGE stat -c %a /x',
    '--mount type=tmpfs,dst=/x,tmpfs-size=-1 IMAGE true',
    '--mount type=tmpfs,dst=/x,tmpfs-size=10% IMAGE true',
    '--mount type=tmpfs,dst=/x,ro IMAGE touch /x/y',
    '--mount type=tmpfs,dst=/root IMAGE stat -c %a /root',
    '--mount type=tmpfs IMAGE true',
    '--mount type=,dst=/x IMAGE true',
    '--mount bogus IMAGE true',
    '--mount bogus=1 IMAGE true',
    '--mount dst=/x,, IMAGE true',
    '--mount TYPE=tmpfs,DST=/x IMAGE true',
    '--tmpfs /root --tmpfs /new IMAGE stat -c %a /root /new',
    '--tmpfs /x:bogus IMAGE true',
    '--tmpfs /x:rw,exec,size=64k,mode=700,uid=5,gid=6 IMAGE stat -c "%a %u %g" /x',
    '--tmpfs / IMAGE true',
    '--volumes-from "" IMAGE true',
    '-v wdv2:/etc IMAGE ls /etc',
  ])('run %s', async (line) => {
    const words = line.replaceAll('DIR', directory).replace('IMAGE', BUSYBOX);
    await expectSame(`run --rm --network none ${words}`);
  });

  test.each([
    '--volumes-from wdv IMAGE sh -c "ls /data; stat -c %a:%u /data /data/sub; touch /data/x /data/sub/x"',
    '--volumes-from wdv:ro IMAGE touch /data/x',
    '--volumes-from wdv:rw IMAGE touch /data/x /bind/x',
    '--volumes-from wdv:ro,z IMAGE touch /data/x',
    '--volumes-from wdv:ro,rw IMAGE true',
    '--volumes-from wdv:ro:rw IMAGE true',
    '--volumes-from wdv:nocopy IMAGE true',
    '--volumes-from wdv:shared IMAGE true',
    '-v wdv1:/data --volumes-from wdv IMAGE ls /data',
    '--tmpfs /data --volumes-from wdv IMAGE ls /data',
    '-v wdv3:/x IMAGE stat -c %n:%a:%u:%g:%h:%s /x /x/a /x/hard /x/link /x/sub /x/sparse',
  ])('what an image has is in a volume before anything runs: run %s', async (line) => {
    for (const run of [docker, ours]) {
      const made = ['create', '--name', 'wdv', '-v', 'wdv3:/data', '-v', `${directory}:/bind:ro`, 'wdv:image', 'true'];
      expect(await run(made)).toMatchObject({ status: 0 });
    }
    await expectSame(`run --rm --network none ${line.replace('IMAGE', BUSYBOX)}`);
  });

  test('a volume that a container has stays', async () => {
    for (const run of [docker, ours]) {
      expect(await run(['create', '--name', 'wdv', '-v', 'wdv1:/x', 'localhost/busybox', 'true'])).toMatchObject({
        status: 0,
      });
    }
    await expectSame('volume rm wdv1');
    await expectSame('volume rm -f wdv2 wdv1');
    await expectSame('volume ls -q --filter name=wdv --filter dangling=false');
    await expectSame('volume ls -q --filter name=wdv --filter dangling=true');
  });
});
