import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clearTheStage, ours, setTheStage, wordsOf } from '#test/support/compare.ts';
import { docker, noDocker } from '#test/support/peers.ts';

const IMAGE = 'localhost/busybox';
const NAMES = ['diffplain', 'difffull', 'diffdone'];

/** Paths in the JSON whose values differ, and why; a path stands for all that is below it. `*` is any one key. */
type Differences = Record<string, string>;

const NAMES_AND_TIMES = 'made up at the moment';
const CONTAINER: Differences = {
  'Id Created State.Pid State.StartedAt State.FinishedAt': NAMES_AND_TIMES,
  'NetworkSettings.SandboxID NetworkSettings.SandboxKey': NAMES_AND_TIMES,
  'Config.Hostname': 'the id, unless it is given',
  'Driver GraphDriver.Name': 'overlay2 is the name of a driver of Docker’s daemon, ours is overlay',
  'GraphDriver.Data LogPath HostnamePath HostsPath ResolvConfPath': 'paths in our store',
  'HostConfig.CgroupnsMode':
    'Docker’s default is host where it runs with version 1 of cgroups; we use version 2 always',
  'HostConfig.Runtime': 'crun, where it is there',
  'HostConfig.PidsLimit HostConfig.Memory HostConfig.MemorySwap HostConfig.MemoryReservation':
    'discarded with a warning where this user’s cgroups can’t limit it',
  'NetworkSettings.EndpointID NetworkSettings.Gateway NetworkSettings.IPAddress NetworkSettings.MacAddress':
    NAMES_AND_TIMES,
  'NetworkSettings.Networks.*.EndpointID NetworkSettings.Networks.*.NetworkID': NAMES_AND_TIMES,
  'NetworkSettings.Networks.*.Gateway NetworkSettings.Networks.*.IPAddress NetworkSettings.Networks.*.MacAddress':
    'addresses of another network',
  'Mounts.*.Name Mounts.*.Source': 'anonymous volumes have made up names, and all lie in our store',
};

const IMAGES: Differences = {
  GraphDriver: 'another name; and a layer of ours is one directory, mounted nowhere: UpperDir alone',
  'Metadata.LastTagTime': NAMES_AND_TIMES,
  'RepoDigests Descriptor': 'skopeo does not tell Docker of the manifest that it came by',
};

const ROWS: Differences = {
  'ID CreatedAt CreatedSince RunningFor Status': NAMES_AND_TIMES,
  Mounts: 'names of anonymous volumes',
  Containers: 'the other one has other containers',
};

const INFO: Differences = {
  Containerd: 'there is none',
  FirewallBackend: 'none but the one of each container’s network',
  'Runtimes.*': 'those which are installed here',
};

/** Keys of info and version that are there, and of the same type; values are the machine's and ours. */
const isDifferent = (path: string[], differences: Differences) =>
  Object.keys(differences)
    .flatMap((paths) => paths.split(' '))
    .map((known) => known.split('.'))
    .some((known) => known.every((key, at) => at < path.length && (key === '*' || key === path[at])));

function without(value: unknown, differences: Differences, path: string[] = []): unknown {
  if (isDifferent(path, differences)) return 'differs';
  if (Array.isArray(value)) return value.map((one, at) => without(one, differences, [...path, String(at)]));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, below]) => [key, without(below, differences, [...path, key])]),
  );
}

/** The same with the type alone of each value. */
function typesOf(value: unknown, differences: Differences, path: string[] = []): unknown {
  if (isDifferent(path, differences)) return undefined;
  if (Array.isArray(value) || typeof value !== 'object' || value === null) {
    return value === null || Array.isArray(value) ? 'list or null' : typeof value;
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, below]) => [key, typesOf(below, differences, [...path, key])]),
  );
}

interface Json {
  Mounts?: { Destination: string }[];
  Config?: { Env?: string[] };
  HostConfig?: { Binds?: string[] | null };
}

async function both(line: string): Promise<[own: Json, theirs: Json]> {
  const read = (text: string) => {
    const parsed = JSON.parse(text) as Json | Json[];
    const one = (Array.isArray(parsed) ? parsed[0] : parsed) ?? {};
    // Docker gives these in no order.
    one.Config?.Env?.sort();
    one.HostConfig?.Binds?.sort();
    if (Array.isArray(one.Mounts)) one.Mounts.sort((a, b) => (a.Destination < b.Destination ? -1 : 1));
    return one;
  };
  return [read((await ours(wordsOf(line))).stdout), read(docker(wordsOf(line)).stdout)];
}

describe.skipIf(noDocker !== undefined)(`what is shown as JSON, by us and by docker (${noDocker ?? 'here'})`, () => {
  const full =
    '--hostname box -e A=1 -e B= -p 127.0.0.1:PORT:80 -p 53/udp --expose 99 --label x=y --label z -v /data -v named:/named:ro ' +
    '-v /srv:/host:ro --mount type=tmpfs,target=/m,tmpfs-size=1m --tmpfs /t:size=1m --restart on-failure:3 --cap-add NET_ADMIN ' +
    '--cap-drop MKNOD --dns 9.9.9.9 --dns-search x.y --dns-option ndots:1 --add-host a:1.2.3.4 --ulimit nofile=100:200 -w /tmp ' +
    '-u 5:6 -i --stop-timeout 3 --stop-signal INT --log-opt max-size=1m --init --security-opt no-new-privileges ' +
    '--sysctl net.core.somaxconn=77 --device /dev/fuse --group-add 7 --read-only --shm-size 1m --oom-score-adj 500 ' +
    '--entrypoint sleep --annotation a=b --ipc shareable --domainname d --cgroup-parent /x';

  beforeAll(async () => {
    await setTheStage(NAMES);
    const lines = [
      `run -d --name diffplain ${IMAGE} sleep 1000`,
      `create --name difffull ${full} ${IMAGE} 1000`,
      `run --name diffdone --network none ${IMAGE} sh -c "exit 7"`,
    ];
    for (const line of lines) {
      const args = wordsOf(line.replace('PORT', '9871'));
      const status = line.includes('exit 7') ? 7 : 0;
      expect(await ours(args)).toMatchObject({ status });
      expect(docker(args)).toMatchObject({ status });
    }
  });
  afterAll(async () => {
    await clearTheStage(NAMES);
    docker(['volume', 'rm', 'named']);
  });

  test.each(NAMES)('inspect --size %s', async (name) => {
    const [own, theirs] = await both(`inspect --size ${name}`);
    expect(without(own, CONTAINER)).toEqual(without(theirs, CONTAINER));
    expect(Object.keys(own)).toEqual(Object.keys(theirs));
  });

  test('image inspect', async () => {
    const [own, theirs] = await both(`image inspect ${IMAGE}`);
    expect(without(own, IMAGES)).toEqual(without(theirs, IMAGES));
    expect(Object.keys(own).sort()).toEqual(Object.keys(theirs).sort());
  });

  test.each([...NAMES.map((name) => `ps -a --filter name=${name} --format json`), `images --format json ${IMAGE}`])(
    '%s',
    async (line) => {
      const [own, theirs] = await both(line);
      expect(without(own, ROWS)).toEqual(without(theirs, ROWS));
      expect(Object.keys(own)).toEqual(Object.keys(theirs));
    },
  );

  test.each(['info --format json', 'version --format json'])('%s has the same keys', async (line) => {
    const [own, theirs] = await both(line);
    expect(typesOf(own, INFO)).toEqual(typesOf(theirs, INFO));
  });
});
