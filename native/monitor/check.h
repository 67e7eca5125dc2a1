/*
 * One health check: a process that the runtime adds to the container, what it writes, how it ends, and the events that
 * Docker tells of it. There is one at a time.
 */
#ifndef WHERRY_MONITOR_CHECK_H
#define WHERRY_MONITOR_CHECK_H

#include <stdbool.h>
#include <sys/types.h>

#include "monitor/config.h"
#include "monitor/healthfile.h"

/* Begins one, when none is at work. FINISHED hears how it went, perhaps at once: -1 is the status of one that could not
 * be made or took too long. */
void check_begin(const struct config *config, void (*finished)(const struct health_result *result));

/* Also while one that was abandoned has not gone yet. */
bool check_busy(void);

/* The one at work is ended, and nobody hears of it. */
void check_abandon(void);

/* The runtime that is adding the process just now; 0: none. Its end is to be told before any other's. */
pid_t check_runtime(void);

/* A child has ended: was it one of a check? */
bool check_reap(pid_t pid, int status);

#endif
