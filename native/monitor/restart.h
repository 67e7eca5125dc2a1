/* When a container that has ended is started again: Docker's policies and its pauses (moby, restartmanager). */
#ifndef WHERRY_MONITOR_RESTART_H
#define WHERRY_MONITOR_RESTART_H

#include <stdbool.h>
#include <stdint.h>

struct restart {
	char policy[16];
	long long most; /* of on-failure; 0: no limit */
	uint64_t pause; /* ms; of the last restart */
	int count;
};

/* Takes another policy, from the next end of the process on; false when there is none of this name. */
bool restart_policy(struct restart *restart, const char *policy, long long most);

/*
 * Shall a process that ran for LASTED milliseconds and ended with STATUS be started again? Then counts it, and says in
 * PAUSE how long to wait before: 100 ms, doubled each time up to a minute, from the start again after ten seconds up.
 */
bool restart_due(struct restart *restart, int status, uint64_t lasted);

/* The same for a restart that does not depend on the policy: counts it, and says to wait for the shortest time. */
bool restart_anyway(struct restart *restart);

#endif
