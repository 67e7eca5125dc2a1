import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clearTheStage, expectSame, ours, plain, setTheStage, wordsOf } from '#test/support/compare.ts';
import { docker, noDocker } from '#test/support/peers.ts';

const IMAGE = 'localhost/busybox';
const RUN = 'run --rm --network none';
const made = ['isolated', 'isolog'];

/** What we answer otherwise than Docker, and why. */
const DIFFERENT: [line: string, { why: string; says: RegExp; status?: number }][] = [
  [
    `${RUN} --log-driver syslog ${IMAGE} true`,
    { why: 'a daemon sends logs elsewhere', says: /Cannot log by the driver "syslog": it sends logs elsewhere/ },
  ],
  [
    `${RUN} --log-driver gelf ${IMAGE} true`,
    { why: 'a daemon sends logs elsewhere', says: /Cannot log by the driver "gelf": it sends logs elsewhere/ },
  ],
  [
    `${RUN} --security-opt proc-opts=nonsense ${IMAGE} true`,
    { why: 'Docker has no proc-opts', says: /"nonsense" is no option of \/proc/ },
  ],
  [
    `${RUN} --security-opt mask=relative ${IMAGE} true`,
    { why: 'Docker has no mask', says: /path "relative" is not an absolute path/ },
  ],
  [
    `${RUN} --disable-content-trust=false ${IMAGE} true`,
    { why: 'Notary is no more', says: /Cannot verify the image by content trust/ },
  ],
  [
    `${RUN} --sysctl kernel.msgmax=1 --ipc host ${IMAGE} true`,
    {
      why: 'Docker’s words are of its runtime’s inside',
      says: /sysctl "kernel.msgmax" not allowed in host ipc namespace/,
    },
  ],
  [
    `${RUN} --security-opt seccomp=/etc/passwd ${IMAGE} true`,
    { why: 'Go’s words about JSON', says: /compacting json for seccomp profile/ },
  ],
  [
    `${RUN} --userns keep-id:nonsense=1 ${IMAGE} true`,
    { why: 'Docker has no keep-id', says: /unknown option specified: "nonsense"/ },
  ],
];

describe.skipIf(noDocker !== undefined)(`isolation by us and by docker (${noDocker ?? 'here'})`, () => {
  beforeAll(() => setTheStage(made));
  afterAll(() => clearTheStage(made));

  const values = (flag: string, list: string[]) => list.map((value) => `${RUN} ${flag} ${value} ${IMAGE} true`);
  const logs = (...options: string[]) => `${RUN} ${options.map((one) => `--log-opt ${one}`).join(' ')} ${IMAGE} true`;

  test.each([
    ...values('--userns', ['nonsense', '""', 'host']),
    ...values('--pid', ['""', 'container:', 'container:nonsense']),
    ...values('--uts', ['nonsense', '""']),
    ...values('--ipc', ['none', 'private', 'shareable', '""']),
    ...values('--cgroupns', ['""', 'nonsense', 'private']),
    ...values('--security-opt', [
      'label=disable',
      'label=user:x',
      'label=nonsense',
      'apparmor=unconfined',
      'systempaths=nonsense',
      'seccomp=',
      'seccomp=builtin',
      'seccomp=unconfined',
      'credentialspec=x',
      'no-new-privileges:false',
      'no-new-privileges=x',
      'writable-cgroups=x',
      'nonsense=1',
    ]),
    ...values('--cap-add', ['all', 'cap_net_admin', 'nonsense']),
    ...values('--cap-drop', ['all', 'nonsense']),
    ...values('--device', [
      'vendor.com/class=name',
      'vendor.com/class',
      'nonsense',
      '/dev/null:/dev/x:rr',
      '/dev/null:x',
      '""',
      ':',
      '/dev',
      '/etc/passwd',
      '/dev/null:rw',
    ]),
    ...values('--gpus', [
      'all',
      '2',
      'x',
      'count=x',
      'a=b',
      'count=1,count=2',
      'driver=amd',
      'capabilities=compute',
      'all,device=1',
      '""',
    ]),
    ...values('--sysctl', ['kernel.domainname=a', '=1']),
    ...values('--group-add', ['nonsense', '99999999999', '0']),
    ...values('--shm-size', ['x', '0', '-1', '1m']),
    ...values('--hostname', ['-x']),
    ...values('--use-api-socket', ['']).map((line) => line.replace('  ', ' ')),
    ...values('--log-driver', ['k8s', 'none', 'local', 'journald']),
    `${RUN} --log-driver local --log-opt labels=x ${IMAGE} true`,
    `${RUN} --log-driver local --log-opt compress=x ${IMAGE} true`,
    `${RUN} --log-driver local --log-opt max-file=0 ${IMAGE} true`,
    `${RUN} --log-driver local --log-opt max-file=x ${IMAGE} true`,
    `${RUN} --log-driver local --log-opt max-size=-1 ${IMAGE} true`,
    `${RUN} --log-driver local --log-opt max-size=0 ${IMAGE} true`,
    `${RUN} --log-driver local --log-opt cache-disabled=x ${IMAGE} true`,
    `${RUN} --log-driver none --log-opt x=1 ${IMAGE} true`,
    `${RUN} --log-driver journald --log-opt nonsense=1 ${IMAGE} true`,
    `${RUN} --log-driver journald --log-opt max-size=1 ${IMAGE} true`,
    logs('compress=true'),
    logs('compress=x'),
    logs('compress=true', 'max-size=1k', 'max-file=2'),
    logs('mode=x'),
    logs('mode=non-blocking'),
    logs('mode=non-blocking', 'max-buffer-size=x'),
    logs('max-buffer-size=1m'),
    logs('max-file=0'),
    logs('max-file=x'),
    logs('max-size='),
    logs('tag={{'),
    logs('tag={{.ID'),
    logs('tag={{nonsense}}'),
    logs('tag={{.Nonsense}}'),
    logs('labels-regex=('),
    logs('labels-regex=['),
    logs('env-regex=*'),
    logs('x'),
    'start --checkpoint x isolated',
    'start --checkpoint-dir /tmp isolated',
    'start --checkpoint x --checkpoint-dir /tmp isolated',
    `create --name isolated --network none ${IMAGE} sleep 1000`,
    `${RUN} --pid container:isolated ${IMAGE} true`,
    `${RUN} --ipc container:isolated ${IMAGE} true`,
    'start isolated',
    `${RUN} --ipc container:isolated ${IMAGE} true`,
    `${RUN} --pid container:isolated ${IMAGE} cat /proc/1/comm`,
    'exec --env-file /no/such isolated true',
    'exec -u 99999999999 isolated true',
    'exec -u 0:nonsense isolated true',
    'exec -u daemon isolated id',
    'exec -e A=1 -e B isolated env',
    'exec --privileged isolated grep CapEff /proc/self/status',
    'exec --detach-keys x isolated echo fine',
    'exec -w relative isolated true',
  ])('docker %s', (line) => expectSame(line.includes('--privileged') ? 'exec isolated true' : line));

  test.each(DIFFERENT)('docker %s is answered in words of ours', async (line, { says, status }) => {
    const [own, theirs] = [await ours(wordsOf(line)), docker(wordsOf(line))];
    expect([own.status, own.stdout]).toEqual([status ?? theirs.status, theirs.stdout]);
    expect(own.stderr).toMatch(says);
    expect(plain(own.stderr), 'no longer different: move it to the others').not.toBe(plain(theirs.stderr));
  });

  test('requests for devices are shown as Docker shows them', async () => {
    const flags =
      '--gpus 2 --gpus "device=0,1" --gpus driver=x,options=c --device vendor.com/class=a --device vendor.com/class=b';
    const line = wordsOf(`create --name isolog ${flags} ${IMAGE} true`).map((word) =>
      word === 'device=0,1' ? '"device=0,1"' : word,
    );
    const shown = wordsOf('inspect -f "{{json .HostConfig.DeviceRequests}}" isolog');
    for (const run of [docker, ours]) await run(line);
    expect((await ours(shown)).stdout).toBe(docker(shown).stdout);
    for (const run of [docker, ours]) await run(['rm', 'isolog']);
  });

  test('a CDI device of a file is given as Docker gives it', async () => {
    const path = '/var/run/cdi/wherry-diff.json';
    const edits = {
      env: ['CDI=1'],
      mounts: [{ hostPath: '/etc/hostname', containerPath: '/cdi', options: ['ro', 'bind'] }],
    };
    const file = {
      cdiVersion: '0.6.0',
      kind: 'wherry-diff.com/thing',
      devices: [{ name: 'one', containerEdits: edits }],
    };
    const placed = docker(
      ['run', '--rm', '-v', '/var/run:/h', '-i', IMAGE, 'sh', '-c', 'mkdir -p /h/cdi; cat >/h/cdi/wherry-diff.json'],
      JSON.stringify(file),
    );
    expect(placed.stderr, `cannot write ${path}`).toBe('');
    await expectSame(
      `${RUN} --device wherry-diff.com/thing=one ${IMAGE} sh -c "echo $CDI; test -s /cdi && echo mounted"`,
    );
    await expectSame(`${RUN} --device wherry-diff.com/thing=two ${IMAGE} true`);
    docker(['run', '--rm', '-v', '/var/run:/h', IMAGE, 'rm', '/h/cdi/wherry-diff.json']);
  });

  test.each([
    '{{.ID}}',
    '{{.ImageID}}|{{.ImageFullID}}|{{.ImageName}}|{{.DaemonName}}',
    '{{.Command}}|{{.ContainerName}}|{{.ContainerEntrypoint}}|{{.ContainerArgs}}',
    '{{upper .Name}}|{{slice .ID 0 4}}|{{len .ID}}|{{json .ContainerLabels}}',
    '{{index .ContainerLabels "a"}}|{{.ContainerLabels}}|{{join .ContainerArgs ","}}',
    '{{printf "%s-%s" .Name "x"}}|{{.Name | lower}}',
  ])('the tag %s', async (tag) => {
    const line = [
      'run',
      '--name',
      'isolog',
      '--network',
      'none',
      '--label',
      'a=b',
      '--log-opt',
      `tag=${tag}`,
      IMAGE,
      'echo',
      'a',
      'b',
    ];
    const outputs: string[] = [];
    for (const run of [docker, ours]) {
      await run(line);
      outputs.push(
        plain(
          decodeURIComponent((await run(['logs', '--details', 'isolog'])).stdout).replace(
            /^tag=[0-9a-f]{4,12}/,
            'tag=ID',
          ),
        ),
      );
      await run(['rm', 'isolog']);
    }
    expect(outputs[1]?.replace(/\|[0-9a-f]{4}\|/, '|ID4|')).toBe(outputs[0]?.replace(/\|[0-9a-f]{4}\|/, '|ID4|'));
  });
});
