/*
 * The container's state file, and the file that says which process watches over it.
 *
 * A reader sees the old file or the new one, whole. In exec mode there is no state, and record_save() does nothing.
 */
#ifndef WHERRY_MONITOR_RECORD_H
#define WHERRY_MONITOR_RECORD_H

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

#include "monitor/config.h"

struct record {
	const char *status; /* running, restarting or exited */
	pid_t pid;
	unsigned long long pid_start;
	struct timespec started;
	struct timespec finished; /* tv_sec 0: not yet */
	int exit_code;
	bool oom_killed;
	int restart_count;
	bool stopped; /* by hand */
	char error[2048];
};

/* Writes the state; -1 with errno. Also on a full disk where an older state is there to be overwritten. */
int record_save(const struct config *config, const struct record *record);

/* "PID STARTTIME" of this process under the name in CONFIG, if there is one; -1 with errno. */
int record_register(const struct config *config);

/* How often the kernel has killed for memory in the container's control group; 0 where that is not known. */
unsigned long long record_oom_kills(const struct config *config);

#endif
