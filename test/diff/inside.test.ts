import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clearTheStage, expectSame, ours, setTheStage, wordsOf } from '#test/support/compare.ts';
import { docker, noDocker } from '#test/support/peers.ts';

const IMAGE = 'localhost/busybox';
const RUN = `run --rm --hostname box --network none`;

type Cuts = [pattern: RegExp, instead: string][];

/** What a container sees: the command, the flags before the image, and what differs by nature with its reason. */
interface View {
  line: string;
  flags?: string;
  /** Taken out of both, each for the reason above it. */
  but?: Cuts;
}

/** The lines below /proc/self/status that are about this run. */
const STATUS_BUT: Cuts = [
  // Sizes, counters, ids of the process itself.
  [/^(?:Vm|Rss|Hugetlb|SigQ|voluntary|nonvoluntary|Pid|PPid|Tgid|NSpid|NStgid|NSpgid|NSsid|Ngid).*\n/gm, ''],
  // runc's is now and then its daemon's (SIGHUP); and glibc's posix_spawn(3), by which our monitor starts the runtime,
  // leaves its own two signals ignored, 32 and 33.
  [/^SigIgn.*\n/gm, ''],
];

/** The device nodes are the host's, bound: nobody but root may make any. */
const DEV_BUT: Cuts = [
  [/^(c\S+ +\d+) (?:0|65534) +(?:0|65534) +/gm, '$1 OWNER '],
  [/\w{3} +\d+ +(?:\d\d:\d\d|\d{4}) /g, 'WHEN '],
  [/^d.* \.\.?\n/gm, ''],
  // runc makes it where the kernel has /proc/kcore, crun always.
  [/^.* core -> \/proc\/kcore\n/gm, ''],
  [/^total.*\n/gm, ''],
];

const OWNERS_BUT: Cuts = [
  // Root of the initial user namespace is nobody here: it owns /proc and /sys.
  [/^(d.{9} +)\d+ (?:0|65534) +(?:0|65534) +\d+ .* (proc|sys|dev)$/gm, '$1$2'],
  [/\w{3} +\d+ +(?:\d\d:\d\d|\d{4}) /g, 'WHEN '],
  [/ {2,}\d+ WHEN /g, ' WHEN '],
  [/^total.*\n/gm, ''],
];

/** Only what a container is told of mounts: where and of which kind. */
const MOUNTS_BUT: Cuts = [
  // Where root has cgroups of version 1, ours is the one of version 2: nobody else may be given another.
  [/^\S+ \/sys\/fs\/cgroup(?:\/\S+)? .*\n/gm, ''],
  [/^\S+ (\/dev\/(?:null|zero|full|tty|random|urandom)) .*\n/gm, ''],
  // What is masked is bound from the host's /dev/null, or from the container's own: devtmpfs or tmpfs.
  [/^\S+ (\/proc\/(?:interrupts|keys|timer_list|kcore|sched_debug|latency_stats)) \S+ .*$/gm, 'masked $1'],
  [/^(\S+ \S+ \S+).*$/gm, '$1'],
];

const VIEWS: View[] = [
  ...['', '--cap-drop ALL', '--cap-add SYS_ADMIN', '--cap-drop ALL --cap-add CHOWN', '-u 1000'].map((flags) => ({
    line: 'cat /proc/self/status',
    flags,
    but: STATUS_BUT,
  })),
  { line: 'cat /proc/self/status', flags: '--security-opt no-new-privileges', but: STATUS_BUT },
  { line: 'cat /proc/self/status', flags: '--security-opt seccomp=unconfined', but: STATUS_BUT },
  { line: 'cat /proc/self/status', flags: '-u 1000:2000 --group-add 3000', but: STATUS_BUT },
  {
    line: 'cat /proc/self/status',
    flags: '--privileged',
    // All that there are: Docker's daemon may itself be kept from some, and a user namespace has every one.
    but: [...STATUS_BUT, [/^(Cap(?:Prm|Eff|Bnd):\s+)[0-9a-f]+$/gm, '$1ALL']],
  },
  { line: 'cat /proc/self/limits' },
  { line: 'cat /proc/self/limits', flags: '--ulimit nofile=100:200 --ulimit core=0' },
  { line: 'sh -c "ulimit -a; umask"' },
  { line: 'sh -c "sort -k 2 /proc/mounts"', but: MOUNTS_BUT },
  { line: 'sh -c "sort -k 2 /proc/mounts"', flags: '--read-only --tmpfs /tmp -v /srv', but: MOUNTS_BUT },
  { line: 'ls -lan /dev', but: DEV_BUT },
  { line: 'ls -lan /dev', flags: '--device /dev/fuse:/dev/xfuse', but: DEV_BUT },
  { line: 'ls -lan /dev/shm /dev/mqueue', but: DEV_BUT },
  { line: 'ls -lan /', but: OWNERS_BUT },
  { line: 'ls -lan /etc', but: [...OWNERS_BUT, [/ +\d+ WHEN/g, ' WHEN']] },
  { line: 'df -k /dev/shm', flags: '--shm-size 8m' },
  { line: 'cat /etc/hosts' },
  { line: 'cat /etc/hosts', flags: '--add-host a:1.2.3.4 --add-host b:::1' },
  { line: 'cat /etc/hostname' },
  { line: 'hostname -f', flags: '--domainname example.com' },
  // Docker says in comments where the file comes from.
  { line: 'sh -c "grep -v ^# /etc/resolv.conf | grep ."' },
  {
    line: 'sh -c "grep -v ^# /etc/resolv.conf | grep ."',
    flags: '--dns 9.9.9.9 --dns-search example.com --dns-option ndots:2',
  },
  { line: 'id' },
  { line: 'id', flags: '-u 1000' },
  { line: 'id', flags: '-u nobody' },
  { line: 'id', flags: '-u 5:daemon' },
  { line: 'id', flags: '-u root --group-add 7 --group-add 8' },
  { line: 'env' },
  { line: 'env', flags: '-u 1000' },
  { line: 'env', flags: '-u nobody -w /tmp' },
  // runc puts HOME last.
  {
    line: 'env',
    flags: '-e HOME=/x -e PATH=/y -e A=b=c -e EMPTY= --entrypoint /usr/bin/env',
    but: [[/^HOME=\/x\n/m, '']],
  },
  { line: 'sh -c "echo $HOME"', flags: '-e HOME=/x -u 1000' },
  { line: 'pwd', flags: '-w /made/here' },
  { line: 'stat -c "%a %u:%g" /made/here', flags: '-w /made/here' },
  { line: 'stat -c "%a %u:%g" /made/here', flags: '-w /made/here -u 1000' },
  { line: 'stat -c "%a %u:%g %F" /new', flags: '-v /new' },
  { line: 'stat -c "%a %u:%g %F" /new', flags: '--tmpfs /new' },
  { line: 'stat -c "%a %u:%g %F" /tmp', flags: '-v /tmp' },
  { line: 'stat -c "%a %u:%g %F" /new', flags: '--mount type=tmpfs,target=/new,tmpfs-mode=1700' },
  { line: 'cat /proc/self/oom_score_adj', flags: '--oom-score-adj 500' },
  { line: 'cat /proc/sys/net/ipv4/ip_unprivileged_port_start' },
  { line: 'cat /proc/sys/kernel/msgmax /proc/sys/net/core/somaxconn', flags: '--sysctl net.core.somaxconn=77' },
  { line: 'sh -c "cat /proc/kcore /proc/keys /proc/timer_list /proc/latency_stats /proc/sched_debug | wc -c"' },
  { line: 'sh -c "ls /proc/acpi /proc/scsi /sys/firmware | sort"' },
  { line: 'sh -c "echo x >/proc/sys/kernel/domainname"' },
  { line: 'sh -c "echo b >/proc/sysrq-trigger"' },
  { line: 'sh -c "echo x >/x"', flags: '--read-only' },
  { line: 'sh -c "echo x >/dev/x && ls /dev/x"', flags: '--read-only' },
  { line: 'mount -t tmpfs none /mnt' },
  { line: 'sh -c "mkdir /m; mount -t tmpfs none /m && echo mounted"', flags: '--privileged' },
  { line: 'unshare -U true' },
  { line: 'chroot / true', flags: '--cap-drop SYS_CHROOT' },
  // Docker's runtime has used some numbers up.
  { line: 'sh -c "echo $$; ls /proc | grep ^[0-9] | sort"', but: [[/(?:^(?!1$)\d+\n)+/gm, 'OTHERS\n']] },
  { line: 'cat /proc/1/comm', flags: '--init', but: [[/docker-init|tini|catatonit|wherry-init/, 'INIT']] },
  { line: 'tty' },
  {
    line: 'ls -l /proc/self/fd',
    but: [
      [/pipe:\[\d+\]|\/dev\/\S+|\/proc\/\d+\/fd/g, 'STREAM'],
      [/\w{3} +\d+ +\d\d:\d\d /g, ''],
    ],
  },
  { line: 'ip -o link' },
  { line: 'hostname', flags: '--uts host', but: [[/.+/, 'HOST']] },
];

describe.skipIf(noDocker !== undefined)(`what a container sees, by us and by docker (${noDocker ?? 'here'})`, () => {
  beforeAll(() => setTheStage([]));
  afterAll(() => clearTheStage([]));

  const clean = (text: string, but: Cuts = []) =>
    but.reduce((rest, [pattern, instead]) => rest.replace(pattern, instead), text).split('\n');

  test.each(VIEWS)('$line ($flags)', async ({ line, flags = '', but }) => {
    const run = flags.includes('--uts') ? RUN.replace('--hostname box ', '') : RUN;
    const args = wordsOf(`${run} ${flags} ${IMAGE} ${line}`);
    const [own, theirs] = [await ours(args), docker(args)];
    expect(clean(own.stdout, but)).toEqual(clean(theirs.stdout, but));
    expect([own.status, own.stderr]).toEqual([theirs.status, theirs.stderr]);
  });

  test.each<[line: string, input?: string]>([
    [`${RUN} -i ${IMAGE} cat`, 'given'],
    [`${RUN} ${IMAGE} cat`, 'not given'],
    [`${RUN} -a stdout ${IMAGE} sh -c "echo out; echo err >&2"`],
    [`${RUN} -a stderr ${IMAGE} sh -c "echo out; echo err >&2"`],
    [`${RUN} -a stdin ${IMAGE} cat`, 'given'],
    [`${RUN} -a stdin -a stdout -i ${IMAGE} cat`, 'given'],
    [`${RUN} -i ${IMAGE} true`, 'not read'],
    [`${RUN} ${IMAGE} sh -c "kill -9 $$"`],
    [`${RUN} ${IMAGE} sh -c "exit 255"`],
    [`${RUN} -t ${IMAGE} sh -c "echo out; echo err >&2"`],
    [`${RUN} --log-driver none ${IMAGE} echo out`],
  ])('docker %s has the same streams', (line, input) => expectSame(line, input));
});
