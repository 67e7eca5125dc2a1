/* The runtime is asked to make and start the container (or to add a process to it), and whom it has started. */
#ifndef WHERRY_MONITOR_LAUNCH_H
#define WHERRY_MONITOR_LAUNCH_H

#include <stddef.h>
#include <sys/types.h>

#include "monitor/config.h"

/* Starts the runtime, with streams for the process; its pid, or -1 with errno, and WHAT gets what could not be done. */
pid_t launch_runtime(const struct config *config, char *what, size_t size);

/* The runtime has ended well: the process that it has started, a child of ours whose streams are read from now on; or 0
 * with errno, and WHAT as above. One that ran all the same is killed. */
pid_t launch_process(const struct config *config, const char **what);

#endif
