#include "monitor/restart.h"

#include <stdio.h>
#include <string.h>

enum { FIRST_PAUSE = 100, LONGEST_PAUSE = 60 * 1000, STABLE = 10 * 1000 };

bool restart_policy(struct restart *restart, const char *policy, long long most)
{
	static const char *const KNOWN[] = {"no", "always", "unless-stopped", "on-failure"};

	for (size_t i = 0; i < sizeof(KNOWN) / sizeof(*KNOWN); i++) {
		if (strcmp(policy, KNOWN[i]) != 0)
			continue;
		snprintf(restart->policy, sizeof(restart->policy), "%s", policy);
		restart->most = most;
		return true;
	}
	return false;
}

static bool policy_wants(const struct restart *restart, int status)
{
	if (strcmp(restart->policy, "always") == 0 || strcmp(restart->policy, "unless-stopped") == 0)
		return true;
	if (strcmp(restart->policy, "on-failure") == 0)
		return status != 0 && (restart->most <= 0 || restart->count < restart->most);
	return false;
}

bool restart_anyway(struct restart *restart)
{
	restart->pause = FIRST_PAUSE;
	restart->count++;
	return true;
}

bool restart_due(struct restart *restart, int status, uint64_t lasted)
{
	if (lasted >= STABLE)
		restart->pause = 0;
	restart->pause = restart->pause == 0 ? FIRST_PAUSE : restart->pause * 2;
	if (restart->pause > LONGEST_PAUSE)
		restart->pause = LONGEST_PAUSE;
	if (!policy_wants(restart, status))
		return false;
	restart->count++;
	return true;
}
