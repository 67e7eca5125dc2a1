/*
 * What the kernel kills for memory in the container's control group, noted as it happens: a container may go on without
 * the process that was killed. Where the kernel does not say when it happens, it is noted when the container ends.
 */
#ifndef WHERRY_MONITOR_OOM_H
#define WHERRY_MONITOR_OOM_H

#include <stdbool.h>

#include "monitor/config.h"

/* The runtime is about to start the container: what the control group has counted by now is not this run's. */
void oom_reset(const struct config *config);

/* The container runs, so its control group is there. */
void oom_watch(const struct config *config);

/* The container's process has ended. Was anything killed since oom_reset()? */
bool oom_ended(const struct config *config);

#endif
