/*
 * The one loop: descriptors that are watched, timers, and what is to be done when nothing is ready.
 *
 * A watch lives inside the thing that it belongs to, and finds its way back with loop_owner(). A watch that was closed
 * never gets another call, even if its event is already waiting in the same round; memory that holds watches is given
 * to loop_bury(), which frees it when the round is over.
 */
#ifndef WHERRY_MONITOR_LOOP_H
#define WHERRY_MONITOR_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

struct watch {
	int fd; /* -1: nothing is watched */
	uint32_t events;
	bool registered;
	void (*ready)(struct watch *watch, uint32_t events);
	struct watch *next_grave;
	void *memory;
};

struct timer {
	uint64_t due; /* milliseconds of the monotonic clock; 0: not set */
	void (*ring)(struct timer *timer);
	struct timer *next;
	bool listed;
};

#define loop_owner(member, type, name) ((type *)(void *)((char *)(member)-offsetof(type, name)))

/* Makes the loop; -1 with errno. */
int loop_open(void);

/* In a copy of this process: a loop without watches and timers; what is set in them is no more. -1 with errno. */
int loop_renew(void);

/* Prepares WATCH for FD without watching yet. */
void watch_init(struct watch *watch, int fd, void (*ready)(struct watch *, uint32_t));

/*
 * Waits for EVENTS from now on. 0 still reports that the other side is gone (EPOLLHUP, EPOLLERR). -1 with errno; EPERM
 * means a regular file, which is always ready.
 */
int watch_want(struct watch *watch, uint32_t events);

/* Adds to or takes from the events that are wanted. */
int watch_add(struct watch *watch, uint32_t events);
void watch_drop(struct watch *watch, uint32_t events);

/* Waits for nothing, not even for the end of the other side. */
void watch_pause(struct watch *watch);

/* Closes the descriptor; harmless when it is closed already. */
void watch_close(struct watch *watch);

/* Frees MEMORY, which holds WATCH, when the round is over. All watches in it must be closed. */
void loop_bury(struct watch *watch, void *memory);

/* Milliseconds of the monotonic clock. */
uint64_t loop_now(void);

/* Rings once in MILLISECONDS; a timer that is set already is set anew. */
void timer_set(struct timer *timer, uint64_t milliseconds, void (*ring)(struct timer *));
void timer_clear(struct timer *timer);

/*
 * Runs until loop_end(). ROUND is called before each wait, and may put off work that is better done in large pieces:
 * it says for how many milliseconds at most, -1 when there is none. IDLE is called when nothing else came meanwhile.
 */
void loop_run(int (*round)(void), void (*idle)(void));
void loop_end(void);

#endif
