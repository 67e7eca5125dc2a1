#define _GNU_SOURCE
#include "launcher/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/die.h"
#include "base/io.h"
#include "base/scoped.h"
#include "launcher/refusal.h"

/* The bytes of pause.c's program, embedded by the Makefile. */
extern const char _binary_pause_start[], _binary_pause_end[];

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U /* Linux 6.3 */
#endif

enum step { STEP_NAMESPACES, STEP_SLAVE, STEP_CGROUP };

/* What the holder says after each step. */
struct report {
	pid_t pid;
	enum step step;
	int error;
};

/* What its maker says. */
enum order { ORDER_MOUNT = 'm', ORDER_LIVE = 'l' };

static void report(int channel, enum step step, int error)
{
	const struct report text = {.pid = getpid(), .step = step, .error = error};

	if (send(channel, &text, sizeof(text), MSG_NOSIGNAL) != sizeof(text) || error)
		_exit(EXIT_OURS);
}

/* The next order. The maker's death ends the holder. */
static char await(int channel)
{
	char order;

	if (io_read(channel, &order, 1) != 1)
		_exit(EXIT_OURS);
	return order;
}

/*
 * On a host with cgroup v1 the v2 tree, where there is one, is mounted one level below; OCI runtimes without root
 * work on a pure v2 tree only.
 */
static int show_unified_cgroup(void)
{
	static const char top[] = "/sys/fs/cgroup", unified[] = "/sys/fs/cgroup/unified";
	struct statfs at_top, at_unified;

	if (statfs(top, &at_top) < 0 || at_top.f_type == CGROUP2_SUPER_MAGIC || statfs(unified, &at_unified) < 0 ||
	    at_unified.f_type != CGROUP2_SUPER_MAGIC)
		return 0;
	return mount(unified, top, NULL, MS_BIND | MS_REC, NULL);
}

/* Mounts of the host must come in (a disk mounted later), ours must not go out. */
static void prepare_mounts(int channel)
{
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		report(channel, STEP_SLAVE, errno);
	report(channel, STEP_CGROUP, show_unified_cgroup() < 0 ? errno : 0);
}

/* Whoever started us: the holder takes no signal from a terminal or a log-out, and answers SIGTERM as usual. */
static void set_signals(void)
{
	sigset_t none;

	for (int number = 1; number < NSIG; number++)
		(void)signal(number, SIG_DFL); /* SIGKILL's and SIGSTOP's refuse, which is fine */
	(void)signal(SIGHUP, SIG_IGN);
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGQUIT, SIG_IGN);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Older kernels don't know the flag, newer ones may refuse to run what was made without it (memfd_create(2)). */
static int executable_memory(const char *name)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_EXEC);

	return fd < 0 && errno == EINVAL ? memfd_create(name, MFD_CLOEXEC) : fd;
}

/* Becomes pause.c, from memory. Where the kernel refuses that (vm.memfd_noexec=2), this program can wait as well. */
static _Noreturn void rest(void)
{
	static const char *const arguments[] = {"wherry-holder", NULL}, *const environment[] = {NULL};
	const size_t size = (size_t)(_binary_pause_end - _binary_pause_start);
	int fd = executable_memory(arguments[0]);

	if (fd >= 0 && io_write(fd, _binary_pause_start, size) == 0)
		(void)syscall(SYS_execveat, fd, "", arguments, environment, AT_EMPTY_PATH);
	(void)syscall(SYS_close_range, 0U, ~0U, 0U);
	for (;;)
		pause();
}

/* Keeps nothing open but the channel: a pipe of the caller's would never end, and a directory's mount stay busy. */
static void let_go(int *channel)
{
	if (*channel != 0 && dup2(*channel, 0) != 0)
		_exit(EXIT_OURS);
	*channel = 0;
	if (syscall(SYS_close_range, 1U, ~0U, 0U) < 0 || chdir("/") < 0)
		_exit(EXIT_OURS);
}

/* After fork(): system calls only. */
static _Noreturn void live(int channel, int namespaces)
{
	(void)prctl(PR_SET_NAME, "wherry-holder", 0, 0, 0);
	let_go(&channel);
	set_signals();
	(void)setsid(); /* it can't be a group leader: it was forked just now */
	if (namespaces && unshare(namespaces) < 0)
		report(channel, STEP_NAMESPACES, errno);
	report(channel, STEP_NAMESPACES, 0);
	for (;;) {
		switch (await(channel)) {
		case ORDER_MOUNT:
			prepare_mounts(channel);
			break;
		case ORDER_LIVE:
			close(channel);
			rest();
		}
	}
}

/* What is wrong when the kernel refuses a step that is not the user's namespace. */
static _Noreturn void refuse_step(enum step step, int error)
{
	if (step == STEP_NAMESPACES || error == EPERM || error == EACCES)
		refuse(geteuid() == 0 ? "make a mount namespace" : "make a user namespace", error);
	if (step == STEP_CGROUP)
		die("Cannot show the cgroup v2 tree in the namespace: %s", strerror(error));
	warn("Cannot make the namespace's mounts follow the host's: %s", strerror(error));
	if (error == EINVAL)
		hint("In a chroot \"/\" is no mount: bind the directory onto itself (mount --bind) before the chroot");
	die_quietly();
}

static _Noreturn void die_killed(void)
{
	die("Cannot make a holder: it was killed while it started");
}

static void order(const struct spawn *spawn, enum order order)
{
	const char byte = (char)order;

	if (send(spawn->channel, &byte, 1, MSG_NOSIGNAL) != 1)
		die_killed();
}

static void check(const struct spawn *spawn, struct report *report)
{
	if (io_read(spawn->channel, report, sizeof(*report)) != sizeof(*report))
		die_killed();
	if (report->error)
		refuse_step(report->step, report->error);
}

/* Two forks: the holder must not be the child of Node, which this process becomes. */
static void fork_twice(int channel, int namespaces)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		pid_t grandchild = fork();

		if (grandchild == 0)
			live(channel, namespaces);
		_exit(grandchild < 0 ? errno : 0);
	}
	if (child < 0)
		die_errno("Cannot start a holder");
	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			die_errno("Cannot start a holder");
	}
	if (!WIFEXITED(status))
		die_killed();
	errno = WEXITSTATUS(status);
	if (errno)
		die_errno("Cannot start a holder");
}

void spawn_start(struct spawn *spawn, int namespaces, struct process *holder)
{
	int ends[2];
	struct report report;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		die_errno("Cannot make a socket pair");
	fork_twice(ends[1], namespaces);
	close(ends[1]);
	spawn->channel = ends[0];
	check(spawn, &report);
	if (!process_hold(holder, report.pid))
		die_killed();
}

void spawn_mount(struct spawn *spawn)
{
	struct report report;

	order(spawn, ORDER_MOUNT);
	check(spawn, &report);
}

void spawn_finish(struct spawn *spawn)
{
	order(spawn, ORDER_LIVE);
	close(spawn->channel);
	spawn->channel = -1;
}
