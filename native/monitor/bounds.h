/* What is asked of a container's process beyond Docker: that its pid stands in a file, and that it ends in time. */
#ifndef WHERRY_MONITOR_BOUNDS_H
#define WHERRY_MONITOR_BOUNDS_H

#include <sys/types.h>

#include "monitor/config.h"

/* PROCESS has started. Where its file can't be written it runs all the same. */
void bounds_begin(const struct config *config, pid_t process);

/* It has ended. */
void bounds_end(void);

#endif
