#define _GNU_SOURCE
#include "launcher/holder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/die.h"
#include "base/scoped.h"
#include "launcher/idmap.h"
#include "launcher/process.h"
#include "launcher/scope.h"
#include "launcher/spawn.h"

static const char PID_FILE[] = "holder", LOCK_FILE[] = "holder.lock", MONITORS[] = "monitors";

static bool same_namespace(const struct process *process, const char *theirs, const char *ours)
{
	struct stat a, b;

	return fstatat(process->proc, theirs, &a, 0) == 0 && stat(ours, &b) == 0 && a.st_ino == b.st_ino &&
	       a.st_dev == b.st_dev;
}

/*
 * Are these namespaces that this user's launcher made? A pid file says so, but whoever wrote it may have been wrong;
 * who made a user namespace is known to the kernel (ioctl_nsfs(2)). Root's holder is in root's own user namespace, but
 * never in the mount namespace of the host.
 */
static bool is_ours(const struct process *process, bool root)
{
	uid_t owner;

	if (root) {
		struct stat stat;

		return fstat(process->proc, &stat) == 0 && stat.st_uid == geteuid() &&
		       same_namespace(process, "ns/user", "/proc/self/ns/user") &&
		       !same_namespace(process, "ns/mnt", "/proc/self/ns/mnt");
	}
	scoped_fd ns = openat(process->proc, "ns/user", O_RDONLY | O_CLOEXEC);

	return ns >= 0 && ioctl(ns, NS_GET_OWNER_UID, &owner) == 0 && owner == geteuid() &&
	       !same_namespace(process, "ns/user", "/proc/self/ns/user");
}

static bool find(struct process *process, int directory, const char *name, bool root)
{
	return process_find(process, directory, name) && is_ours(process, root);
}

/* False when it has just ended, or when the kernel says that its namespaces are none to enter (setns(2)). */
static bool enter(const struct process *process, bool root)
{
	if (setns(process->pidfd, root ? CLONE_NEWNS : CLONE_NEWUSER | CLONE_NEWNS) == 0)
		return true;
	if (errno == ESRCH || errno == EINVAL || errno == EPERM)
		return false;
	die_errno("Cannot enter the namespaces of process %d", process->pid);
}

static enum inside kind(const struct process *process, bool root)
{
	if (root)
		return INSIDE_ROOT;
	return idmap_is_single(process->proc) ? INSIDE_SINGLE : INSIDE_USER;
}

/* The first container's monitor that is alive; false when there is none. */
static bool find_monitor(struct process *process, int runtime, bool root)
{
	int fd = openat(runtime, MONITORS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	scoped_dir directory = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	while (directory && (entry = readdir(directory))) {
		if (entry->d_name[0] != '.' && find(process, fd, entry->d_name, root))
			return true;
	}
	return false;
}

/*
 * Could a new holder have more ids than this one, which has a single one? So it is when root gave ranges or installed
 * newuidmap after it was made. Containers that run keep their namespaces alive, and everybody in them.
 */
static bool can_be_better(const struct process *holder, int runtime)
{
	scoped_process monitor = PROCESS_NONE;
	struct idmap idmap;
	bool better;

	if (!idmap_is_single(holder->proc) || find_monitor(&monitor, runtime, false))
		return false;
	idmap_plan(&idmap);
	better = idmap.lack == LACKS_NOTHING;
	idmap_free(&idmap);
	return better;
}

bool holder_join(int runtime, bool root, enum inside *inside)
{
	scoped_process holder = PROCESS_NONE;

	if (!find(&holder, runtime, PID_FILE, root))
		return false;
	*inside = kind(&holder, root);
	if (*inside == INSIDE_SINGLE && can_be_better(&holder, runtime))
		return false;
	return enter(&holder, root);
}

static int lock(int runtime)
{
	scoped_fd fd = openat(runtime, LOCK_FILE, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		die_errno("Cannot open the lock \"%s\" in the runtime directory", LOCK_FILE);
	while (flock(fd, LOCK_EX) < 0) {
		if (errno != EINTR)
			die_errno("Cannot lock \"%s\" in the runtime directory", LOCK_FILE);
	}
	return scoped_take_fd(&fd);
}

static void record(const struct process *holder, int runtime)
{
	if (process_record(holder, runtime, PID_FILE) < 0)
		die_errno("Cannot write the holder's pid file in the runtime directory");
}

/* Into a monitor's namespaces, whose next holder is then made from inside. */
static bool enter_monitor(int runtime, bool root, enum inside *inside)
{
	scoped_process monitor = PROCESS_NONE, holder = PROCESS_NONE;
	struct spawn spawn;

	if (!find_monitor(&monitor, runtime, root))
		return false;
	*inside = kind(&monitor, root);
	if (!enter(&monitor, root))
		return false;
	spawn_start(&spawn, 0, &holder);
	if (!root)
		scope_make(holder.pid);
	record(&holder, runtime);
	spawn_finish(&spawn);
	return true;
}

/* New namespaces, with a holder in them. */
static void make(int runtime, bool root)
{
	scoped_process holder = PROCESS_NONE;
	struct idmap idmap = {.lack = LACKS_NOTHING};
	struct spawn spawn;

	if (!root)
		idmap_plan(&idmap);
	spawn_start(&spawn, root ? CLONE_NEWNS : CLONE_NEWUSER | CLONE_NEWNS, &holder);
	if (!root)
		idmap_apply(&idmap, holder.pid, holder.proc);
	spawn_mount(&spawn);
	if (!root)
		scope_make(holder.pid);
	record(&holder, runtime);
	spawn_finish(&spawn);
	idmap_warn(&idmap);
	idmap_free(&idmap);
}

/* Ends a holder with a single id, for a better one to take its place. What runs in its namespaces goes on. */
static void retire(int runtime)
{
	scoped_process holder = PROCESS_NONE;

	if (!find(&holder, runtime, PID_FILE, false))
		return;
	struct pollfd ended = {.fd = holder.pidfd, .events = POLLIN};

	if (syscall(SYS_pidfd_send_signal, holder.pidfd, SIGKILL, NULL, 0) == 0)
		while (poll(&ended, 1, -1) < 0 && errno == EINTR)
			;
}

static enum inside enter_locked(int runtime, bool root)
{
	scoped_fd held = lock(runtime);
	enum inside inside;

	/* Another launcher may have been faster. */
	if (holder_join(runtime, root, &inside))
		return inside;
	if (!root)
		retire(runtime);
	if (enter_monitor(runtime, root, &inside))
		return inside;
	make(runtime, root);
	if (!holder_join(runtime, root, &inside))
		die("Cannot enter the namespaces that were just made: wherry needs Linux 5.8 or newer, with /proc");
	return inside;
}

enum inside holder_enter(int runtime, bool root)
{
	struct sigaction usual = {.sa_handler = SIG_DFL}, callers;
	enum inside inside;

	/* Where the caller ignores SIGCHLD, nobody learns how a child has ended (wait(2)). */
	if (sigaction(SIGCHLD, &usual, &callers) < 0)
		die_errno("Cannot set the action of SIGCHLD");
	inside = enter_locked(runtime, root);
	if (sigaction(SIGCHLD, &callers, NULL) < 0)
		die_errno("Cannot set the action of SIGCHLD");
	return inside;
}
