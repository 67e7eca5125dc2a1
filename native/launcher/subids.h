/*
 * The ids that a user may map: their own, and the subordinate ones that root gave them in /etc/subuid and /etc/subgid
 * (subuid(5)) or in a directory service.
 */
#ifndef WHERRY_LAUNCHER_SUBIDS_H
#define WHERRY_LAUNCHER_SUBIDS_H

#include <stdbool.h>
#include <stddef.h>

/* The kernel's limit of lines in one map (user_namespaces(7)). */
enum { MAP_LINES = 340 };

/* No map can have more ids: (uid_t)-1 is none. */
#define MAP_LARGEST_COUNT 0xffffffffUL

struct range {
	unsigned long first, count;
};

/* The lines of one map, as ids outside; the first is always the user's own id. No two have an id in common. */
struct map {
	struct range lines[MAP_LINES];
	size_t count;
};

/* The user's name, or their number where nobody knows one; the caller frees it. */
char *subids_user(void);

/*
 * Finds all that USER may map, of uids or of gids, in the order in which it is given. Raises FREE to the first id
 * behind all that the file gives to anybody.
 */
void subids_read(struct map *map, bool groups, const char *user, unsigned long *free);

#endif
