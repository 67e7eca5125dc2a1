#include "monitor/restart.h"

#include <string.h>

enum { FIRST_PAUSE = 100, LONGEST_PAUSE = 60 * 1000, STABLE = 10 * 1000 };

static bool policy_wants(const struct restart *restart, const struct config *config, int status)
{
	const char *policy = config->restart ? config->restart : "no";

	if (strcmp(policy, "always") == 0 || strcmp(policy, "unless-stopped") == 0)
		return true;
	if (strcmp(policy, "on-failure") == 0)
		return status != 0 && (config->restart_max <= 0 || restart->count < config->restart_max);
	return false;
}

bool restart_due(struct restart *restart, const struct config *config, int status, uint64_t lasted)
{
	if (lasted >= STABLE)
		restart->pause = 0;
	restart->pause = restart->pause == 0 ? FIRST_PAUSE : restart->pause * 2;
	if (restart->pause > LONGEST_PAUSE)
		restart->pause = LONGEST_PAUSE;
	if (!policy_wants(restart, config, status))
		return false;
	restart->count++;
	return true;
}
