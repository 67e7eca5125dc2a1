/*
 * wherry-monitor: one small process for each running container, which outlives the command that started it.
 *
 *   wherry-monitor FILE
 *
 * The file (config.h) says what to run and how; descriptor 3 leads to the command (control.h).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/die.h"
#include "base/io.h"
#include "monitor/child.h"
#include "monitor/chunk.h"
#include "monitor/config.h"
#include "monitor/control.h"
#include "monitor/life.h"
#include "monitor/log.h"
#include "monitor/loop.h"

/* Before there is anything to lose: tells the command, and whoever has started this by hand, and ends. */
_Noreturn static void give_up(const char *sentence)
{
	char line[1024];
	int n = snprintf(line, sizeof(line), "error 125 %s\n", sentence);

	if (n > 0 && (size_t)n < sizeof(line))
		(void)io_write(CONTROL_FD, line, (size_t)n);
	die("%s", sentence);
}

/* Whatever else the command had open would stay open as long as the container runs. EXTRA are the container's, and no
 * other child's. */
static void keep_few_descriptors(unsigned extra)
{
	int null;

	do {
		null = open("/dev/null", O_RDWR);
	} while (null >= 0 && null <= STDERR_FILENO);
	/* Where there is no command nothing else may be taken for it. */
	if (null > CONTROL_FD)
		close(null);
	(void)close_range(CONTROL_FD + 1 + extra, ~0U, 0);
	if (extra > 0)
		(void)close_range(CONTROL_FD + 1, CONTROL_FD + extra, CLOSE_RANGE_CLOEXEC);
}

static void signalled(struct watch *watch, uint32_t events)
{
	struct signalfd_siginfo info;

	(void)events;
	while (read(watch->fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			life_reap();
		else
			life_terminate();
	}
}

static int before_sleep(void)
{
	int wait = log_wait();

	life_go_on();
	return wait < 0 && chunk_large() ? 0 : wait;
}

static void when_idle(void)
{
	log_flush();
	chunk_shrink();
}

/* The kernel writes all of the file system below an overlay when its last user goes, which can take a while. Held open
 * here, the container's root is only detached by the command that stops the container, and the waiting is ours. Without
 * it (there is no such directory, or none can be opened) that command waits. */
static void hold_root(const struct config *config)
{
	char *path;

	if (config_is_exec(config) || asprintf(&path, "%s/merged", config->container_dir) < 0)
		return;
	(void)open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	free(path);
}

int main(int count, char **arguments)
{
	static struct config config;
	static struct watch signals;
	char problem[512];
	int fd;

	die_as("wherry-monitor");
	if (count != 2)
		give_up("usage: wherry-monitor FILE");
	if (!config_read(&config, arguments[1], problem, sizeof(problem)))
		give_up(problem);
	keep_few_descriptors((unsigned)config.extra_files);
	/* Its own session: what happens to the command's terminal is nothing to us. It is one already where the command
	 * saw to that. Not in any directory: each could be one that somebody wants to unmount. */
	(void)setsid();
	if (chdir("/") < 0)
		give_up("cannot enter the root directory");
	hold_root(&config);
	/* The runtime leaves its child to us, and so does the child with its own, without a pid namespace. */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		give_up("cannot adopt orphaned processes");
	fd = child_prepare();
	if (fd < 0 || loop_open() < 0)
		give_up("cannot prepare for signals");
	watch_init(&signals, fd, signalled);
	if (watch_want(&signals, EPOLLIN) < 0)
		give_up("cannot wait for signals");
	life_begin(&config);
	loop_run(before_sleep, when_idle);
	log_flush();
	return EXIT_SUCCESS;
}
