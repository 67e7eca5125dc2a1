#define _GNU_SOURCE
#include "monitor/loop.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 32 };

static int poller = -1;
static bool ended;
static struct watch *graves;
static struct timer *timers;

int loop_open(void)
{
	poller = epoll_create1(EPOLL_CLOEXEC);
	return poller < 0 ? -1 : 0;
}

int loop_renew(void)
{
	graves = NULL;
	timers = NULL;
	return loop_open();
}

void watch_init(struct watch *watch, int fd, void (*ready)(struct watch *, uint32_t))
{
	*watch = (struct watch){.fd = fd, .ready = ready};
}

int watch_want(struct watch *watch, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = watch};

	if (watch->fd < 0 || (watch->registered && watch->events == events))
		return 0;
	if (epoll_ctl(poller, watch->registered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, watch->fd, &event) < 0)
		return -1;
	watch->registered = true;
	watch->events = events;
	return 0;
}

int watch_add(struct watch *watch, uint32_t events)
{
	return watch_want(watch, watch->events | events);
}

void watch_drop(struct watch *watch, uint32_t events)
{
	/* Waiting for less can't fail: the descriptor is registered already. */
	if (watch->registered)
		(void)watch_want(watch, watch->events & ~events);
}

void watch_pause(struct watch *watch)
{
	if (watch->registered)
		(void)epoll_ctl(poller, EPOLL_CTL_DEL, watch->fd, NULL);
	watch->registered = false;
	watch->events = 0;
}

void watch_close(struct watch *watch)
{
	if (watch->fd < 0)
		return;
	/* Taken out by hand: closing does it only where no other process has the same open file. */
	watch_pause(watch);
	close(watch->fd);
	watch->fd = -1;
}

void loop_bury(struct watch *watch, void *memory)
{
	watch->memory = memory;
	watch->next_grave = graves;
	graves = watch;
}

static void free_graves(void)
{
	while (graves) {
		struct watch *watch = graves;

		graves = watch->next_grave;
		free(watch->memory);
	}
}

uint64_t loop_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void timer_set(struct timer *timer, uint64_t milliseconds, void (*ring)(struct timer *))
{
	timer->due = loop_now() + milliseconds;
	timer->ring = ring;
	if (timer->listed)
		return;
	timer->listed = true;
	timer->next = timers;
	timers = timer;
}

void timer_clear(struct timer *timer)
{
	timer->due = 0;
}

/* Rings what is due. The list only loses members here; a bell may set any timer, also its own. */
static void ring_timers(void)
{
	uint64_t now = timers ? loop_now() : 0;

	for (struct timer **at = &timers; *at;) {
		struct timer *timer = *at;

		if (timer->due && timer->due <= now) {
			timer->due = 0;
			timer->ring(timer);
			at = &timers; /* the bell may have put others before */
			continue;
		}
		if (timer->due) {
			at = &timer->next;
			continue;
		}
		*at = timer->next;
		timer->listed = false;
	}
}

/* How long the loop may sleep, for epoll_wait(2). */
static int time_to_sleep(void)
{
	uint64_t first = 0, now;

	for (const struct timer *timer = timers; timer; timer = timer->next)
		if (timer->due && (!first || timer->due < first))
			first = timer->due;
	if (!first)
		return -1;
	now = loop_now();
	if (first <= now)
		return 0;
	return first - now > INT_MAX ? INT_MAX : (int)(first - now);
}

void loop_end(void)
{
	ended = true;
}

void loop_run(int (*round)(void), void (*idle)(void))
{
	struct epoll_event events[BATCH];

	for (;;) {
		int put_off = round(), sleep = time_to_sleep(), count;
		bool is_last_chance = put_off >= 0 && (sleep < 0 || put_off <= sleep);

		if (ended)
			return;
		count = epoll_wait(poller, events, BATCH, is_last_chance ? put_off : sleep);
		if (count == 0 && is_last_chance)
			idle();
		for (int i = 0; i < count; i++) {
			struct watch *watch = events[i].data.ptr;

			if (watch->fd >= 0 && watch->registered)
				watch->ready(watch, events[i].events);
		}
		ring_timers();
		free_graves();
	}
}
