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

/* The container's process is about to be known as running: checks are due from now on, if CONFIG has one. */
void health_begin(const struct config *config);

/* The process has ended: what a check at work would say counts no more. */
void health_end(void);

/* While the container is paused there are no checks, and until the next one it counts as unhealthy. */
void health_pause(bool paused);

/* Checks now, for clients that wait for it (clients_checked()); false where nothing can be checked. */
bool health_check_now(void);

#endif
