/* When a container that has ended is started again: Docker's policies and its pauses (moby, restartmanager). */
#ifndef WHERRY_MONITOR_RESTART_H
#define WHERRY_MONITOR_RESTART_H

#include <stdbool.h>
#include <stdint.h>

#include "monitor/config.h"

struct restart {
	uint64_t pause; /* ms; of the last restart */
	int count;
};

/*
 * Shall a process that ran for LASTED milliseconds and ended with STATUS be started again? Then counts it, and says in
 * PAUSE how long to wait before: 100 ms, doubled each time up to a minute, from the start again after ten seconds up.
 */
bool restart_due(struct restart *restart, const struct config *config, int status, uint64_t lasted);

#endif
