import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { expectSame, ours } from '#test/support/compare.ts';
import { docker, noDocker } from '#test/support/peers.ts';

/** All that is made here is called so: Docker's own volumes are none of ours to remove. */
const NAMES = ['wdv1', 'wdv2', 'wdv3', 'wdv4'];

async function clear(): Promise<void> {
  for (const run of [docker, ours]) {
    await run(['rm', '-f', 'wdv']);
    await run(['volume', 'rm', '-f', ...NAMES]);
  }
}

describe.skipIf(noDocker !== undefined)(`volumes as Docker has them (${noDocker ?? 'compared'})`, () => {
  beforeAll(clear);
  afterAll(clear);
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
    'run --rm --network none -v wdv3:/x:idmap localhost/busybox true',
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
