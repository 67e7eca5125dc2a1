#define _GNU_SOURCE
#include "monitor/overflow.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "monitor/loop.h"
#include "monitor/tcp.h"

enum {
	LINGER = 5000, /* ms without a connection */
	SPARE = 64,    /* descriptors */
};

static struct {
	struct port *ports;
	size_t count;
	int limit;
	pid_t worker;
} overflow;

void overflow_prepare(struct port *ports, size_t count)
{
	struct rlimit files;

	overflow.ports = ports;
	overflow.count = count;
	overflow.limit = INT_MAX;
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < INT_MAX)
		overflow.limit = (int)files.rlim_cur;
}

bool overflow_room(int latest)
{
	int most = overflow.limit - SPARE, probe;

	/* The lowest free number is given, so this tells how many there are. */
	if (latest < most / 2)
		return true;
	probe = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
	if (probe >= 0)
		close(probe);
	return probe >= 0 && probe < most;
}

void overflow_reap(pid_t pid)
{
	if (pid == overflow.worker)
		overflow.worker = 0;
}

void overflow_outdated(void)
{
	if (overflow.worker > 0)
		kill(overflow.worker, SIGTERM);
	overflow.worker = 0;
}

void overflow_end(void)
{
	if (overflow.worker > 0)
		kill(overflow.worker, SIGKILL);
	overflow.worker = 0;
}

/* --- the other process ------------------------------------------------------------------------------------------- */

static int ascending(const void *one, const void *other)
{
	return *(const int *)one - *(const int *)other;
}

/* All but the listeners: other descriptors would keep connections and streams open that are not ours. */
static bool close_others(void)
{
	int *kept = calloc(overflow.count + 1, sizeof(*kept)), null;
	size_t count = 0;
	int from = 0;

	if (!kept)
		return false;
	for (size_t i = 0; i < overflow.count; i++)
		if (overflow.ports[i].type == SOCK_STREAM && overflow.ports[i].watch.fd >= 0)
			kept[count++] = overflow.ports[i].watch.fd;
	qsort(kept, count, sizeof(*kept), ascending);
	for (size_t i = 0; i < count; i++) {
		if (kept[i] > from)
			(void)close_range((unsigned)from, (unsigned)kept[i] - 1, 0);
		from = kept[i] + 1;
	}
	(void)close_range((unsigned)from, ~0U, 0);
	free(kept);
	/* No connection may get the numbers of the standard streams. */
	do {
		null = open("/dev/null", O_RDWR);
	} while (null >= 0 && null < STDERR_FILENO);
	if (null > STDERR_FILENO)
		close(null);
	return true;
}

static bool leaving;

static void stop_listening(void)
{
	leaving = true;
	for (size_t i = 0; i < overflow.count; i++)
		watch_close(&overflow.ports[i].watch);
}

static void signalled(struct watch *watch, uint32_t events)
{
	struct signalfd_siginfo info;
	pid_t pid;

	(void)events;
	while (read(watch->fd, &info, sizeof(info)) == sizeof(info))
		if (info.ssi_signo != SIGCHLD)
			stop_listening();
	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
		overflow_reap(pid);
}

static void look_around(struct timer *timer)
{
	static bool was_idle;
	bool is_idle = tcp_links() == 0;

	if (is_idle && (was_idle || leaving))
		_exit(EXIT_SUCCESS);
	was_idle = is_idle;
	timer_set(timer, LINGER, look_around);
}

static int nothing_waits(void)
{
	return -1;
}

static void idle(void)
{
}

_Noreturn static void serve(pid_t parent)
{
	static struct watch signals;
	static struct timer look;
	sigset_t waited;
	int fd;

	/* Whoever dies first: all of a monitor goes with it. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent || !close_others())
		_exit(EXIT_FAILURE);
	overflow.worker = 0;
	tcp_renew();
	sigemptyset(&waited);
	sigaddset(&waited, SIGTERM);
	sigaddset(&waited, SIGCHLD);
	fd = signalfd(-1, &waited, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0 || loop_renew() < 0)
		_exit(EXIT_FAILURE);
	watch_init(&signals, fd, signalled);
	(void)watch_want(&signals, EPOLLIN);
	for (size_t i = 0; i < overflow.count; i++) {
		struct port *port = &overflow.ports[i];

		port->again = (struct timer){0};
		if (port->type == SOCK_STREAM && port->watch.fd >= 0) {
			tcp_listen(port, port->watch.fd);
			(void)watch_want(&port->watch, EPOLLIN);
		} else {
			port->watch.fd = -1;
		}
	}
	timer_set(&look, LINGER, look_around);
	loop_run(nothing_waits, idle);
	_exit(EXIT_SUCCESS);
}

void overflow_start(void)
{
	pid_t parent = getpid(), pid;

	if (overflow.worker > 0)
		return;
	pid = fork();
	if (pid == 0)
		serve(parent);
	if (pid > 0)
		overflow.worker = pid;
}
