/**
 * Flags that can't do for a user without root what they do for Docker's daemon, each with the kernel's reason: the page
 * wherry-limits(7). What is said where one is used says the same.
 */

export interface Limit {
  /** As written on the command line; the first word of each is a flag of the commands below. */
  flags: readonly string[];
  /** The commands by their full names, or the programs's own flags. */
  commands: readonly string[];
  /** What happens instead. */
  effect: string;
  why: string;
}

export interface LimitGroup {
  /** Where this is so. */
  title: string;
  about?: string;
  limits: readonly Limit[];
}

const MAKES = ['container run', 'container create'];
const CHANGES = [...MAKES, 'container update'];
const DISCARDED = "Discarded, with Docker's warning.";

export const LIMITS: readonly LimitGroup[] = [
  {
    title: 'without root, on any machine',
    limits: [
      {
        flags: ['--cpu-rt-period', '--cpu-rt-runtime'],
        commands: CHANGES,
        effect: 'Refused.',
        why: 'The kernel shares real-time bandwidth out to groups by version 1 of cgroups only, which root alone may use.',
      },
      {
        flags: ['--memory-swappiness', '--oom-kill-disable'],
        commands: MAKES,
        effect: DISCARDED,
        why: 'Version 2 of cgroups, the one that can be delegated to a user, has neither.',
      },
      {
        flags: ['--oom-score-adj'],
        commands: MAKES,
        effect: "A score below your own session's becomes your session's, with a warning.",
        why: 'Lowering a score needs CAP_SYS_RESOURCE over the whole machine (proc_pid_oom_score_adj(5)).',
      },
      {
        flags: ['--device-cgroup-rule'],
        commands: MAKES,
        effect: 'Discarded, with a warning.',
        why: 'Such a rule is a BPF program on a cgroup, and loading one needs CAP_BPF. Devices that --device gives can be opened as far as you can open them yourself.',
      },
      {
        flags: ['--device', '--privileged', '--gpus'],
        commands: MAKES,
        effect:
          'Devices are mounted as they are on the host; nothing makes them more accessible. Permissions (:r) hold nobody back, which a warning says.',
        why: 'mknod(2) of a device needs root outside of any user namespace, and so does opening what your user may not open.',
      },
      {
        flags: ['--cap-add', '--privileged'],
        commands: MAKES,
        effect: "Capabilities hold for what belongs to the container's namespaces.",
        why: "A capability in a user namespace says nothing about the host: no kernel modules, no clock, no other users' files (user_namespaces(7)).",
      },
      {
        flags: ['--storage-opt'],
        commands: MAKES,
        effect: 'Refused.',
        why: 'Project quotas are for root to set. A tmpfs has a size (--tmpfs PATH:size=1g).',
      },
      {
        flags: ['--sysctl'],
        commands: MAKES,
        effect: "Those of the container's own namespaces only; others are refused.",
        why: "The rest are the whole machine's.",
      },
      {
        flags: ['--publish'],
        commands: MAKES,
        effect:
          "Ports below net.ipv4.ip_unprivileged_port_start (1024 by itself) and sctp are refused; the service sees the network's gateway as its client.",
        why: "Ports are bound on the host by your own process and copied into the container's network.",
      },
      {
        flags: ['--ulimit'],
        commands: MAKES,
        effect: 'A hard limit above your own is refused.',
        why: 'Raising a hard limit needs CAP_SYS_RESOURCE (setrlimit(2)).',
      },
      {
        flags: ['--driver'],
        commands: ['network create'],
        effect: 'macvlan and ipvlan are refused.',
        why: "They are parts of the host's network devices, which are root's.",
      },
      {
        flags: ['--opt'],
        commands: ['network create'],
        effect: 'Routed gateway modes, a bridge without masquerade and one without an address are refused.',
        why: "The host has no route into a user's network namespace, and only root could make one.",
      },
      {
        flags: ['--opt'],
        commands: ['volume create'],
        effect: 'File systems but tmpfs, overlay and bind mounts are refused; so is size.',
        why: 'The kernel mounts no other in a user namespace (FS_USERNS_MOUNT). Let root mount it, and bind it.',
      },
    ],
  },
  {
    title: 'where a controller of cgroup v2 is not delegated',
    about:
      '`wherry info` warns of each that is missing. systemd delegates memory and pids by itself; for the others root writes Delegate=cpu cpuset io memory pids into /etc/systemd/system/user@.service.d/delegate.conf. On a machine with version 1 of cgroups none can be.',
    limits: [
      {
        flags: ['--memory', '--memory-reservation', '--memory-swap'],
        commands: CHANGES,
        effect: DISCARDED,
        why: 'Needs the controller memory.',
      },
      { flags: ['--pids-limit'], commands: CHANGES, effect: DISCARDED, why: 'Needs the controller pids.' },
      {
        flags: ['--cpu-shares', '--cpu-period', '--cpu-quota'],
        commands: CHANGES,
        effect: DISCARDED,
        why: 'Needs the controller cpu.',
      },
      { flags: ['--cpus'], commands: CHANGES, effect: 'Refused, as by Docker.', why: 'Needs the controller cpu.' },
      {
        flags: ['--cpuset-cpus', '--cpuset-mems'],
        commands: CHANGES,
        effect: DISCARDED,
        why: 'Needs the controller cpuset.',
      },
      {
        flags: ['--blkio-weight'],
        commands: CHANGES,
        effect: DISCARDED,
        why: 'Needs the controller io.',
      },
      {
        flags: ['--blkio-weight-device'],
        commands: MAKES,
        effect: DISCARDED,
        why: 'Needs the controller io, and the disk scheduler BFQ (its module loaded).',
      },
      {
        flags: ['--device-read-bps', '--device-read-iops', '--device-write-bps', '--device-write-iops'],
        commands: MAKES,
        effect: DISCARDED,
        why: 'Needs the controller io.',
      },
    ],
  },
  {
    title: 'where the user has one id only (no range in /etc/subuid)',
    limits: [
      {
        flags: ['--user', '--group-add'],
        commands: MAKES,
        effect: 'Any other than root is refused; further groups are left out.',
        why: 'The kernel maps one id without newuidmap, and allows no setgroups(2).',
      },
      {
        flags: ['--userns'],
        commands: MAKES,
        effect: 'auto is refused.',
        why: 'There are no ids to give a container of its own.',
      },
    ],
  },
  {
    title: 'without a daemon',
    limits: [
      {
        flags: ['--host', '--tls', '--tlscacert', '--tlscert', '--tlskey', '--tlsverify'],
        commands: [],
        effect: 'Refused; --context takes "default" alone. DOCKER_HOST is not looked at.',
        why: "They say which daemon is meant. The containers are this command's own.",
      },
      {
        flags: ['--disable-content-trust'],
        commands: [...MAKES, 'image pull', 'image push'],
        effect: 'Given as false it is refused.',
        why: "Docker's content trust needs a Notary server; policy.json and cosign's signatures do the same.",
      },
      {
        flags: ['--log-driver'],
        commands: MAKES,
        effect: 'Drivers that send logs over a network (syslog, gelf, fluentd, awslogs, splunk, gcplogs) are refused.',
        why: "A container's monitor writes its log and does nothing else; journald and files can be shipped by what the machine has for it.",
      },
      {
        flags: ['--config-from', '--config-only', '--ingress'],
        commands: ['network create'],
        effect: 'Refused.',
        why: 'They belong to a swarm.',
      },
    ],
  },
  {
    title: 'with Docker on Linux as well',
    limits: [
      {
        flags: ['--cpu-count', '--cpu-percent', '--io-maxbandwidth', '--io-maxiops'],
        commands: MAKES,
        effect: "Refused in Docker's words.",
        why: 'They are for containers of Windows.',
      },
      {
        flags: ['--isolation'],
        commands: MAKES,
        effect: 'Any other than default is refused.',
        why: 'The others are for containers of Windows.',
      },
      {
        flags: ['--kernel-memory'],
        commands: CHANGES,
        effect: 'Without effect.',
        why: "The kernel has had no such limit since 5.16; version 2 of cgroups counts its memory as the container's.",
      },
      {
        flags: ['--checkpoint', '--checkpoint-dir'],
        commands: ['container start'],
        effect: "Refused in Docker's words.",
        why: 'Docker has checkpoints in a daemon with experimental features alone, and to restore one needs CAP_CHECKPOINT_RESTORE over the whole machine.',
      },
    ],
  },
];
