#define _GNU_SOURCE
#include "monitor/launch.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "base/scoped.h"
#include "monitor/child.h"
#include "monitor/control.h"
#include "monitor/stdio.h"

/* The runtime's arguments, with the place for the terminal filled in. NULL when memory is out. */
static char **runtime_arguments(const struct config *config)
{
	const struct list *template = &config->runtime;
	char **arguments = calloc(template->count + 2, sizeof(*arguments));
	size_t n = 0;

	for (size_t i = 0; arguments && i < template->count; i++) {
		if (strcmp(template->items[i], "@console@") != 0) {
			arguments[n++] = template->items[i];
		} else if (config->terminal) {
			arguments[n++] = config->console_flag ? config->console_flag : "--console-socket";
			arguments[n++] = (char *)(size_t)stdio_console_path();
		}
	}
	return arguments;
}

pid_t launch_runtime(const struct config *config, char *what, size_t size)
{
	scoped(char *) arguments = NULL;

	if (stdio_open() < 0) {
		snprintf(what, size, "make the container's streams");
		return -1;
	}
	/* What an earlier start left must not be taken for this one's. */
	(void)unlink(config->pid_file);
	if (config->runtime_log)
		(void)unlink(config->runtime_log);
	arguments = runtime_arguments(config);
	if (!arguments) {
		snprintf(what, size, "start the runtime");
		return -1;
	}
	snprintf(what, size, "start the runtime \"%s\"", arguments[0]);
	return child_start_with(arguments, stdio_for_runtime(), CONTROL_FD + 1, (int)config->extra_files);
}

pid_t launch_process(const struct config *config, const char **what)
{
	pid_t process = io_read_pid(config->pid_file);
	siginfo_t info;

	if (!process) {
		*what = "find the process that the runtime started (no pid file)";
		errno = ENOENT;
		return 0;
	}
	/* A runtime that detaches leaves by its first process; until its last one has gone too, the container is that
	 * one's child and not yet ours. */
	if (waitid(P_PID, (id_t)process, &info, WEXITED | WNOHANG | WNOWAIT) < 0 && kill(process, 0) < 0) {
		*what = "watch the process that the runtime started";
		return 0;
	}
	if (!stdio_started()) {
		kill(process, SIGKILL);
		*what = "get a terminal from the runtime";
		errno = EPROTO;
		return 0;
	}
	return process;
}
