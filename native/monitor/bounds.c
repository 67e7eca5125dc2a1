#define _GNU_SOURCE
#include "monitor/bounds.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>

#include "base/io.h"
#include "monitor/loop.h"

enum { USUAL_MODE = 0644 };

static struct timer timeout;
static pid_t bounded;

static void time_is_up(struct timer *timer)
{
	(void)timer;
	if (bounded > 0)
		kill(bounded, SIGKILL);
}

void bounds_begin(const struct config *config, pid_t process)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%d", process);

	bounded = process;
	if (config->own_pid_file && n > 0)
		(void)io_replace(AT_FDCWD, config->own_pid_file, text, (size_t)n, USUAL_MODE);
	if (config->timeout > 0)
		timer_set(&timeout, (uint64_t)config->timeout, time_is_up);
}

void bounds_end(void)
{
	bounded = 0;
	timer_clear(&timeout);
}
