/*
 * The file with a container's health, in the shape of Docker's State.Health: first what holds now, then the latest
 * results, the oldest first, a line each. Only this module reads it back in C, by its lines.
 */
#ifndef WHERRY_MONITOR_HEALTHFILE_H
#define WHERRY_MONITOR_HEALTHFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#define HEALTH_STARTING "starting"
#define HEALTH_GOOD "healthy"
#define HEALTH_BAD "unhealthy"

struct health_state {
	const char *status; /* HEALTH_… */
	int streak;	    /* failures in a row */
};

struct health_result {
	struct timespec start;
	struct timespec end;
	int exit_code;
	const char *before; /* stands before the text; never cut */
	const char *text;
	size_t size;
	bool cut; /* the text was longer */
};

/* Writes STATE, and RESULT (or NULL) behind the last four; a reader sees the old file or the new one. -1 with errno. */
int healthfile_save(const char *path, const struct health_state *state, const struct health_result *result);

#endif
