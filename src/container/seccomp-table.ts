/**
 * Docker's default seccomp profile as a table: which system calls a container may make. What stands in no row is
 * refused with EPERM. Names that a kernel or libseccomp does not know are passed over by the runtime.
 */
import type { SeccompArgument } from '#oci/spec.ts';

/** One row: when all its conditions hold, the calls are allowed (or answered by `errno`). */
export interface Row {
  calls: string;
  /** Rows of one entry stand for alternatives; the conditions within one hold together. */
  args?: SeccompArgument[];
  /** Refused with this number instead of allowed. */
  errno?: number;
  /** The container has this capability. */
  cap?: string;
  /** It has not. */
  withoutCap?: string;
  /** Node's process.arch. */
  arch?: string[];
  withoutArch?: string[];
  /** Linux major and minor. */
  kernel?: [number, number];
}

/** Harmless with any capability, on any machine. */
const ALWAYS = `
  accept accept4 access adjtimex alarm bind brk cachestat capget capset chdir chmod chown chown32 clock_adjtime
  clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep
  clock_nanosleep_time64 close close_range connect copy_file_range creat dup dup2 dup3 epoll_create epoll_create1
  epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2 execve execveat exit
  exit_group faccessat faccessat2 fadvise64 fadvise64_64 fallocate fanotify_mark fchdir fchmod fchmodat fchmodat2
  fchown fchown32 fchownat fcntl fcntl64 fdatasync fgetxattr flistxattr flock fork fremovexattr fsetxattr fstat
  fstat64 fstatat64 fstatfs fstatfs64 fsync ftruncate ftruncate64 futex futex_requeue futex_time64 futex_wait
  futex_waitv futex_wake futimesat get_robust_list get_thread_area getcpu getcwd getdents getdents64 getegid
  getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getitimer getpeername getpgid getpgrp getpid
  getppid getpriority getrandom getresgid getresgid32 getresuid getresuid32 getrlimit getrusage getsid getsockname
  getsockopt gettid gettimeofday getuid getuid32 getxattr getxattrat inotify_add_watch inotify_init inotify_init1
  inotify_rm_watch io_cancel io_destroy io_getevents io_pgetevents io_pgetevents_time64 io_setup io_submit ioctl
  ioprio_get ioprio_set ipc kill landlock_add_rule landlock_create_ruleset landlock_restrict_self lchown lchown32
  lgetxattr link linkat listen listmount listxattr listxattrat llistxattr _llseek lremovexattr lseek lsetxattr lstat
  lstat64 madvise map_shadow_stack membarrier memfd_create memfd_secret mincore mkdir mkdirat mknod mknodat mlock
  mlock2 mlockall mmap mmap2 mprotect mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64
  mq_timedsend mq_timedsend_time64 mq_unlink mremap mseal msgctl msgget msgrcv msgsnd msync munlock munlockall
  munmap name_to_handle_at nanosleep newfstatat _newselect open openat openat2 pause pidfd_open pidfd_send_signal
  pipe pipe2 pkey_alloc pkey_free pkey_mprotect poll ppoll ppoll_time64 prctl pread64 preadv preadv2 prlimit64
  process_mrelease pselect6 pselect6_time64 pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv recv
  recvfrom recvmmsg recvmmsg_time64 recvmsg remap_file_pages removexattr removexattrat rename renameat renameat2
  restart_syscall riscv_hwprobe rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn
  rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo sched_get_priority_max
  sched_get_priority_min sched_getaffinity sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval
  sched_rr_get_interval_time64 sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield seccomp
  select semctl semget semop semtimedop semtimedop_time64 send sendfile sendfile64 sendmmsg sendmsg sendto
  set_robust_list set_thread_area set_tid_address setfsgid setfsgid32 setfsuid setfsuid32 setgid setgid32 setgroups
  setgroups32 setitimer setpgid setpriority setregid setregid32 setresgid setresgid32 setresuid setresuid32 setreuid
  setreuid32 setrlimit setsid setsockopt setuid setuid32 setxattr setxattrat shmat shmctl shmdt shmget shutdown
  sigaltstack signalfd signalfd4 sigprocmask sigreturn socketcall socketpair splice stat stat64 statfs statfs64
  statmount statx symlink symlinkat sync sync_file_range syncfs sysinfo tee tgkill time timer_create timer_delete
  timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64 timerfd_create timerfd_gettime
  timerfd_gettime64 timerfd_settime timerfd_settime64 times tkill truncate truncate64 ugetrlimit umask uname unlink
  unlinkat uretprobe utime utimensat utimensat_time64 utimes vfork vmsplice wait4 waitid waitpid write writev`;

const ENOSYS = 38;
const AF_ALG = 38;
const AF_VSOCK = 40;

/** clone(2)'s flags for new namespaces: NS, UTS, IPC, USER, PID, NET, CGROUP. */
const NEW_NAMESPACES = 0x7e020000;

const only = (index: number, op: string, value: number, valueTwo?: number): { args: SeccompArgument[] } => ({
  args: [{ index, value, ...(valueTwo === undefined ? {} : { valueTwo }), op: `SCMP_CMP_${op}` }],
});

/** personality(2): Linux, and 32-bit Linux and UNAME26 of it; the last one only asks. */
const PERSONALITIES = [0, 0x0008, 0x20000, 0x20008, 0xffffffff];

export const PROFILE: readonly Row[] = [
  { calls: ALWAYS },
  { calls: 'process_vm_readv process_vm_writev ptrace', kernel: [4, 8] },
  // Every address family but AF_ALG (38) and AF_VSOCK (40).
  { calls: 'socket', ...only(0, 'LT', AF_ALG) },
  { calls: 'socket', ...only(0, 'EQ', AF_ALG + 1) },
  { calls: 'socket', ...only(0, 'GT', AF_VSOCK) },
  ...PERSONALITIES.map((value) => ({ calls: 'personality', ...only(0, 'EQ', value) })),
  { calls: 'sync_file_range2 swapcontext', arch: ['ppc64'] },
  {
    calls: 'arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls',
    arch: ['arm', 'arm64'],
  },
  { calls: 'arch_prctl', arch: ['x64'] },
  { calls: 'modify_ldt', arch: ['x64', 'ia32'] },
  { calls: 's390_pci_mmio_read s390_pci_mmio_write s390_runtime_instr', arch: ['s390x'] },
  { calls: 'riscv_flush_icache', arch: ['riscv64'] },
  { calls: 'open_by_handle_at', cap: 'CAP_DAC_READ_SEARCH' },
  {
    calls: `bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie lsm_get_self_attr
      lsm_list_modules lsm_set_self_attr mount mount_setattr move_mount open_tree perf_event_open quotactl quotactl_fd
      setdomainname sethostname setns syslog umount umount2 unshare`,
    cap: 'CAP_SYS_ADMIN',
  },
  // New namespaces need CAP_SYS_ADMIN; clone3 hides its flags from us, and libc falls back to clone when it is absent.
  { calls: 'clone', ...only(0, 'MASKED_EQ', NEW_NAMESPACES, 0), withoutCap: 'CAP_SYS_ADMIN', withoutArch: ['s390x'] },
  { calls: 'clone', ...only(1, 'MASKED_EQ', NEW_NAMESPACES, 0), withoutCap: 'CAP_SYS_ADMIN', arch: ['s390x'] },
  { calls: 'clone3', errno: ENOSYS, withoutCap: 'CAP_SYS_ADMIN' },
  { calls: 'reboot', cap: 'CAP_SYS_BOOT' },
  { calls: 'chroot', cap: 'CAP_SYS_CHROOT' },
  { calls: 'delete_module init_module finit_module', cap: 'CAP_SYS_MODULE' },
  { calls: 'acct', cap: 'CAP_SYS_PACCT' },
  { calls: 'kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev ptrace', cap: 'CAP_SYS_PTRACE' },
  { calls: 'iopl ioperm', cap: 'CAP_SYS_RAWIO' },
  { calls: 'settimeofday stime clock_settime clock_settime64', cap: 'CAP_SYS_TIME' },
  { calls: 'vhangup', cap: 'CAP_SYS_TTY_CONFIG' },
  { calls: 'get_mempolicy mbind set_mempolicy set_mempolicy_home_node', cap: 'CAP_SYS_NICE' },
  { calls: 'syslog', cap: 'CAP_SYSLOG' },
  { calls: 'bpf', cap: 'CAP_BPF' },
  { calls: 'perf_event_open', cap: 'CAP_PERFMON' },
];
