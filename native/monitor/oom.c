#define _GNU_SOURCE
#include "monitor/oom.h"

#include <fcntl.h>
#include <unistd.h>

#include "monitor/event.h"
#include "monitor/loop.h"
#include "monitor/record.h"

static struct {
	const struct config *config;
	struct watch watch;
	unsigned long long before; /* this run */
	unsigned long long noted;
} oom = {.watch = {.fd = -1}};

static void look(void)
{
	unsigned long long kills = record_oom_kills(oom.config);

	if (kills <= oom.noted)
		return;
	oom.noted = kills;
	event_record(oom.config, "oom", NULL);
}

/* memory.events changes in other ways, too: at its limit, and with each reclaim (cgroup-v2.rst). */
static void changed(struct watch *watch, uint32_t events)
{
	char text[512];

	(void)events;
	/* Not read, it would stay ready; gone, too. */
	if (pread(watch->fd, text, sizeof(text), 0) <= 0)
		watch_close(watch);
	look();
}

void oom_reset(const struct config *config)
{
	oom.config = config;
	oom.before = oom.noted = record_oom_kills(config);
}

void oom_watch(const struct config *config)
{
	char text[512];
	int fd = config->oom_file ? open(config->oom_file, O_RDONLY | O_CLOEXEC) : -1;

	if (fd < 0)
		return;
	watch_init(&oom.watch, fd, changed);
	/* What was read is what changes are counted from. A regular file, and version 1, tell of none. */
	if (pread(fd, text, sizeof(text), 0) <= 0 || watch_want(&oom.watch, EPOLLPRI) < 0)
		watch_close(&oom.watch);
	look();
}

bool oom_ended(const struct config *config)
{
	oom.config = config;
	watch_close(&oom.watch);
	look();
	return oom.noted > oom.before;
}
