/*
 * The container's health check: a command that the runtime adds to the container from time to time, whose exit status
 * says whether the container is well. Times, counts and texts as moby's daemon has them (daemon/health.go).
 *
 *   starting -> healthy <-> unhealthy
 *       +----------------------^
 *
 * What is known stands in one file in Docker's shape (State.Health), a result a line, and not in memory: the five
 * latest results outlive a restart of the container, as with Docker.
 */
#ifndef WHERRY_MONITOR_HEALTH_H
#define WHERRY_MONITOR_HEALTH_H

#include <stdbool.h>

#include "monitor/config.h"

/* What may be done to a container that is found unhealthy. */
struct health_calls {
	/* It ends now: as by `stop`, or killed at once. */
	void (*end)(bool at_once);
	/* As by `stop`, and it is started again, whatever its policy says. */
	void (*restart)(void);
};

/* The container's process is about to be known as running: checks are due from now on, if CONFIG has one. */
void health_begin(const struct config *config, const struct health_calls *calls);

/* The process has ended: what a check at work would say counts no more. */
void health_end(void);

/* While the container is paused there are no checks, and until the next one it counts as unhealthy. */
void health_pause(bool paused);

/* Checks now, for clients that wait for it (clients_checked()); false where nothing can be checked. */
bool health_check_now(void);

/* From now on an unhealthy container gets this ACTION: none, kill, restart or stop; false for others. */
bool health_set_action(const char *action);

#endif
