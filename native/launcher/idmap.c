#define _GNU_SOURCE
#include "launcher/idmap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/die.h"
#include "base/io.h"
#include "base/scoped.h"
#include "launcher/command.h"
#include "launcher/refusal.h"

enum { FIRST_SUBORDINATE = 100000, USUAL_COUNT = 65536 }; /* useradd's defaults, login.defs(5) */

void idmap_plan(struct idmap *idmap)
{
	*idmap = (struct idmap){
		.free = FIRST_SUBORDINATE,
		.user = subids_user(),
		.newuidmap = command_find("newuidmap"),
		.newgidmap = command_find("newgidmap"),
	};
	subids_read(&idmap->uids, false, idmap->user, &idmap->free);
	subids_read(&idmap->gids, true, idmap->user, &idmap->free);
	if (idmap->uids.count < 2)
		idmap->lack = LACKS_UIDS;
	else if (idmap->gids.count < 2)
		idmap->lack = LACKS_GIDS;
	else if (!idmap->newuidmap || !idmap->newgidmap)
		idmap->lack = LACKS_TOOL;
	else if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
		idmap->lack = LACKS_PRIVILEGES;
}

void idmap_warn(const struct idmap *idmap)
{
	static const char what[] = "Containers have no other user ids than yours";
	unsigned long last = idmap->free + USUAL_COUNT - 1;

	switch (idmap->lack) {
	case LACKS_NOTHING:
		return;
	case LACKS_TOOL:
		warn("%s: newuidmap and newgidmap are not installed", what);
		hint("Install them (Debian, Ubuntu: apt install uidmap)");
		return;
	case LACKS_UIDS:
	case LACKS_GIDS:
		warn("%s: %s gives no ids to \"%s\" that can be used here", what,
		     idmap->lack == LACKS_UIDS ? "/etc/subuid" : "/etc/subgid", idmap->user);
		hint("Have root run: usermod --add-subuids %lu-%lu --add-subgids %lu-%lu %s", idmap->free, last,
		     idmap->free, last, idmap->user);
		return;
	case LACKS_PRIVILEGES:
		warn("%s: this process may not gain privileges (no_new_privs), so newuidmap has none", what);
		hint("Run wherry where NoNewPrivileges or no-new-privileges is not set");
		return;
	}
}

/* Without newuidmap a user may map their own id alone, and must give up setgroups(2) for that (user_namespaces(7)). */
static void write_own(int proc, const char *name, unsigned int id)
{
	scoped_fd fd = openat(proc, name, O_WRONLY | O_CLOEXEC);
	char line[32];
	int size = snprintf(line, sizeof(line), "0 %u 1\n", id);

	/* The kernel takes the whole map in a single write. */
	if (fd < 0 || write(fd, line, (size_t)size) != size)
		refuse("map your own id into a user namespace", errno);
}

static void deny_setgroups(int proc)
{
	scoped_fd fd = openat(proc, "setgroups", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || io_write(fd, "deny", 4) < 0)
		refuse("map your own group into a user namespace", errno);
}

/* The tool's own words are the best there are; its lines become one. */
static _Noreturn void refuse_tool(const char *tool, char *said)
{
	for (char *at = said; *at; at++) {
		if (*at == '\n')
			*at = at[1] ? ' ' : '\0';
	}
	warn("Cannot map your subordinate ids with %s: %s", tool, *said ? said : "it ended without a word");
	if (strstr(said, "owned by a different user"))
		hint("Leave the shell that `newgrp` or `sg` started: newuidmap wants your primary group");
	else if (strstr(said, "not allowed"))
		hint("Compare /etc/subuid and /etc/subgid with /etc/passwd: `getsubids` must list the ranges of your "
		     "name");
	else
		hint("Have root run: chmod u+s %s (or reinstall the package uidmap); in a container, its ids must be "
		     "there",
		     tool);
	die_quietly();
}

static void run_tool(const char *tool, pid_t pid, const struct map *map)
{
	const char *arguments[2 + 3 * MAP_LINES + 1] = {tool};
	char numbers[2 + 3 * MAP_LINES][12];
	unsigned long inside = 0;
	size_t count = 1;
	scoped_str said = NULL;

	snprintf(numbers[count], sizeof(numbers[count]), "%d", pid);
	count++;
	for (size_t i = 0; i < map->count; i++) {
		unsigned long room = MAP_LARGEST_COUNT - inside;
		struct range range = map->lines[i];
		unsigned long size = range.count < room ? range.count : room;
		const unsigned long triple[] = {inside, range.first, size};

		if (size == 0)
			break;
		for (size_t k = 0; k < 3; k++)
			snprintf(numbers[count + k], sizeof(numbers[0]), "%lu", triple[k]);
		count += 3;
		inside += size;
	}
	for (size_t i = 1; i < count; i++)
		arguments[i] = numbers[i];
	if (command_run(arguments, &said) != 0)
		refuse_tool(tool, said);
}

void idmap_apply(const struct idmap *idmap, pid_t pid, int proc)
{
	if (idmap->lack == LACKS_NOTHING) {
		run_tool(idmap->newuidmap, pid, &idmap->uids);
		run_tool(idmap->newgidmap, pid, &idmap->gids);
		return;
	}
	write_own(proc, "uid_map", geteuid());
	deny_setgroups(proc);
	write_own(proc, "gid_map", getegid());
}

bool idmap_is_single(int proc)
{
	scoped_str map = io_read_file(proc, "uid_map", NULL);
	const char *end = map ? strchr(map, '\n') : NULL;
	unsigned long count;

	return end && end[1] == '\0' && sscanf(map, "%*u %*u %lu", &count) == 1 && count == 1;
}

void idmap_free(struct idmap *idmap)
{
	free(idmap->user);
	free(idmap->newuidmap);
	free(idmap->newgidmap);
	*idmap = (struct idmap){.user = NULL};
}
