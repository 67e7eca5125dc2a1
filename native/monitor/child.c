#define _GNU_SOURCE
#include "monitor/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

/* What happens to a terminal or a user's session is no reason for a container to end. */
static const int IGNORED[] = {SIGHUP, SIGPIPE, SIGQUIT, SIGUSR1, SIGUSR2, SIGTSTP, SIGTTIN, SIGTTOU, SIGALRM, SIGXFSZ};

enum { OWN_MASK = 077, USUAL_MASK = 022 };

static struct rlimit files;

static void raise_limit(void)
{
	struct rlimit most;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		return;
	most = (struct rlimit){.rlim_cur = files.rlim_max, .rlim_max = files.rlim_max};
	/* Without more of them there are fewer connections at once. */
	(void)setrlimit(RLIMIT_NOFILE, &most);
}

/* Around the start of a child: the limit and the mask are inherited. */
static void lend_usual(void)
{
	(void)setrlimit(RLIMIT_NOFILE, &files);
	umask(USUAL_MASK);
}

static void take_back(void)
{
	struct rlimit most = {.rlim_cur = files.rlim_max, .rlim_max = files.rlim_max};

	(void)setrlimit(RLIMIT_NOFILE, &most);
	umask(OWN_MASK);
}

int child_prepare(void)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	sigset_t waited;

	for (size_t i = 0; i < sizeof(IGNORED) / sizeof(*IGNORED); i++)
		sigaction(IGNORED[i], &ignore, NULL);
	sigemptyset(&waited);
	sigaddset(&waited, SIGCHLD);
	sigaddset(&waited, SIGTERM);
	sigaddset(&waited, SIGINT);
	if (sigprocmask(SIG_SETMASK, &waited, NULL) < 0)
		return -1;
	umask(OWN_MASK);
	raise_limit();
	return signalfd(-1, &waited, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int set_attributes(posix_spawnattr_t *attributes)
{
	sigset_t none, usual;
	int error;

	sigemptyset(&none);
	sigemptyset(&usual);
	for (size_t i = 0; i < sizeof(IGNORED) / sizeof(*IGNORED); i++)
		sigaddset(&usual, IGNORED[i]);
	error = posix_spawnattr_setsigmask(attributes, &none);
	if (!error)
		error = posix_spawnattr_setsigdefault(attributes, &usual);
	if (!error)
		error = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	return error;
}

pid_t child_start(char *const arguments[], const int streams[3])
{
	return child_start_with(arguments, streams, STDERR_FILENO + 1, 0);
}

pid_t child_start_with(char *const arguments[], const int streams[3], int first, int count)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	pid_t pid = -1;
	int error;

	/* posix_spawn() borrows our memory instead of copying its tables: faster, and no page of ours is copied later.
	 */
	error = posix_spawn_file_actions_init(&actions);
	if (error) {
		errno = error;
		return -1;
	}
	error = posix_spawnattr_init(&attributes);
	if (error) {
		posix_spawn_file_actions_destroy(&actions);
		errno = error;
		return -1;
	}
	error = set_attributes(&attributes);
	/* One of the monitor's own streams is only ever handed on under its own number, so none overwrites another. */
	for (int i = 0; i < 3 && !error; i++)
		error = posix_spawn_file_actions_adddup2(&actions, streams[i], i);
	for (int i = 0; i < count && !error; i++)
		error = posix_spawn_file_actions_adddup2(&actions, first + i, STDERR_FILENO + 1 + i);
	if (!error) {
		lend_usual();
		error = posix_spawnp(&pid, arguments[0], &actions, &attributes, arguments, environ);
		take_back();
	}
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	errno = error;
	return error ? -1 : pid;
}

void child_become(char *const arguments[])
{
	struct sigaction usual = {.sa_handler = SIG_DFL};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	sigset_t none;

	for (int i = 0; null >= 0 && i < 3; i++)
		(void)dup2(null, i);
	for (size_t i = 0; i < sizeof(IGNORED) / sizeof(*IGNORED); i++)
		sigaction(IGNORED[i], &usual, NULL);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	lend_usual();
	execvp(arguments[0], arguments);
}
