/*
 * Which ids the user's namespace has: 0 is the user, 1 and up are the subordinate ids that root has given them in
 * /etc/subuid and /etc/subgid (subuid(5)), all ranges one after the other. Only newuidmap and newgidmap may map those.
 */
#ifndef WHERRY_LAUNCHER_IDMAP_H
#define WHERRY_LAUNCHER_IDMAP_H

#include <stdbool.h>
#include <sys/types.h>

#include "launcher/subids.h"

/* Why the user's own id is the only one that can be mapped. */
enum idmap_lack { LACKS_NOTHING, LACKS_TOOL, LACKS_UIDS, LACKS_GIDS, LACKS_PRIVILEGES };

struct idmap {
	struct map uids, gids;
	enum idmap_lack lack;
	char *user; /* the user's name, or their number where there is none */
	char *newuidmap, *newgidmap;
	unsigned long free; /* the first id behind all that root has given to anybody */
};

/* Finds out what can be mapped. Writes nothing. idmap_free() lets go of what is in it. */
void idmap_plan(struct idmap *idmap);

/* Says once that containers have a single id, why, and what to do about it. Nothing when there is nothing to say. */
void idmap_warn(const struct idmap *idmap);

/* Writes the maps of the process PID (PROC: /proc/PID), which has just unshared its user namespace, or dies. */
void idmap_apply(const struct idmap *idmap, pid_t pid, int proc);

/* Does a process (PROC: /proc/PID) live with a single id? */
bool idmap_is_single(int proc);

void idmap_free(struct idmap *idmap);

#endif
