#define _GNU_SOURCE
#include "monitor/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "monitor/chunk.h"
#include "monitor/clients.h"
#include "monitor/outlet.h"

enum { MOST_AT_ONCE = 64 * 1024 };

static struct {
	struct watch watch;
	struct outlet out;
	bool is_terminal;
	bool awaited; /* the other end is still to come */
	char *early;  /* what came before it */
	size_t early_size;
	bool ends; /* closed as soon as all is written */
	struct watch pump;
	bool always_ready; /* the pump is a file, for which epoll has no use */
} input = {.watch.fd = -1, .pump.fd = -1};

static void pump_over(void)
{
	watch_close(&input.pump);
	input.always_ready = false;
	input_end();
}

static void pump_once(void)
{
	ssize_t n = read(input.pump.fd, chunk, MOST_AT_ONCE);

	if (n > 0) {
		chunk_used((size_t)n);
		input_feed(chunk, (size_t)n);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		pump_over();
	}
}

static void pump_ready(struct watch *watch, uint32_t events)
{
	(void)events;
	pump_once();
	if (input_full())
		watch_pause(watch);
}

static void input_ready(struct watch *watch, uint32_t events)
{
	(void)watch;
	if (events & (EPOLLERR | EPOLLHUP) || outlet_flush(&input.out) < 0) {
		/* The process has closed its standard input, and whoever writes to it shall know. */
		outlet_close(&input.out);
		watch_close(&input.pump);
		input.always_ready = false;
	} else if (outlet_busy(&input.out)) {
		return;
	} else if (input.ends) {
		outlet_close(&input.out);
	} else if (input.always_ready) {
		(void)watch_add(&input.watch, EPOLLOUT);
		pump_once();
		return;
	}
	clients_resume();
	(void)watch_want(&input.pump, EPOLLIN);
}

void input_pump(int fd)
{
	char path[32];
	int own = -1;

	if (isatty(fd)) {
		/* A terminal that the user's shell shares stays one that waits. */
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		own = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	}
	if (own >= 0)
		close(fd);
	watch_init(&input.pump, own >= 0 ? own : fd, pump_ready);
}

bool input_has_pump(void)
{
	return input.pump.fd >= 0;
}

static void forget_early(void)
{
	free(input.early);
	input.early = NULL;
	input.early_size = 0;
	input.awaited = false;
}

void input_await(void)
{
	input.awaited = true;
}

static void keep_early(const char *bytes, size_t size)
{
	char *grown = realloc(input.early, input.early_size + size);

	if (!grown)
		return;
	memcpy(grown + input.early_size, bytes, size);
	input.early = grown;
	input.early_size += size;
}

void input_open(int fd, bool is_terminal)
{
	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	watch_init(&input.watch, fd, input_ready);
	outlet_init(&input.out, &input.watch, OUTLET_NONBLOCK);
	input.is_terminal = is_terminal;
	input.ends = false;
	if (input.early)
		input_feed(input.early, input.early_size);
	forget_early();
}

void input_start(void)
{
	if (input.watch.fd < 0)
		return;
	/* The end of the reader is always told. What was typed before the start may be waiting to be written. */
	(void)watch_add(&input.watch, 0);
	if (input.pump.fd >= 0 && watch_want(&input.pump, EPOLLIN) < 0) {
		input.always_ready = errno == EPERM;
		if (!input.always_ready)
			pump_over();
		else
			(void)watch_add(&input.watch, EPOLLOUT);
	}
}

void input_feed(const char *bytes, size_t size)
{
	struct iovec part = {(void *)(size_t)bytes, size};

	if (input.awaited && input.watch.fd < 0)
		return keep_early(bytes, size);
	if (input.watch.fd >= 0 && !input.ends && outlet_write(&input.out, &part, 1) < 0)
		outlet_close(&input.out);
}

bool input_full(void)
{
	return outlet_busy(&input.out) || input.early;
}

void input_end(void)
{
	if (input.watch.fd < 0 || input.is_terminal)
		return;
	input.ends = true;
	if (!outlet_busy(&input.out))
		outlet_close(&input.out);
}

void input_close(void)
{
	forget_early();
	outlet_close(&input.out);
	watch_pause(&input.pump);
	clients_resume();
}

void input_let_go(void)
{
	if (input_has_pump())
		pump_over();
}
