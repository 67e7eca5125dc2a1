#define _GNU_SOURCE
#include "launcher/idmap.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
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

static const unsigned long LARGEST_COUNT = 0xffffffffUL;  /* (uid_t)-1 is no id */
enum { FIRST_SUBORDINATE = 100000, USUAL_COUNT = 65536 }; /* useradd's defaults, login.defs(5) */

static unsigned long end_of(struct range range)
{
	return range.first + range.count;
}

/*
 * Adds what of a range is in no line yet: the same range stands in /etc/subuid under the user's name and under their
 * number, ranges overlap, and the kernel refuses a map with an id twice.
 */
static void add(struct map *map, struct range range)
{
	for (size_t i = 0; i < map->count; i++) {
		struct range there = map->lines[i];

		if (range.first >= end_of(there) || there.first >= end_of(range))
			continue;
		if (range.first < there.first)
			add(map, (struct range){range.first, there.first - range.first});
		if (end_of(range) > end_of(there))
			add(map, (struct range){end_of(there), end_of(range) - end_of(there)});
		return;
	}
	if (map->count < IDMAP_LINES && range.count > 0)
		map->lines[map->count++] = range;
}

/* Inside a container not every id is there: what its own map (/proc/self/uid_map) lacks can't be mapped further. */
static void add_mapped(struct map *map, struct range range, const char *mapped)
{
	unsigned long first, count;

	for (const char *line = mapped; sscanf(line, "%lu %*u %lu", &first, &count) == 2;) {
		unsigned long from = range.first > first ? range.first : first;
		unsigned long to = end_of(range) < first + count ? end_of(range) : first + count;

		if (from < to)
			add(map, (struct range){from, to - from});
		line = strchr(line, '\n');
		if (!line)
			break;
		line++;
	}
}

static bool is_sane(struct range range)
{
	return range.count > 0 && range.first > 0 && range.first < LARGEST_COUNT &&
	       range.count <= LARGEST_COUNT - range.first;
}

/* The lines `OWNER:FIRST:COUNT` of /etc/subuid or /etc/subgid, whose owner is a name or a number. */
static void read_ranges(struct idmap *idmap, struct map *map, const char *path, const char *mapped)
{
	scoped_file file = fopen(path, "re");
	scoped_str line = NULL;
	size_t room = 0;
	char number[16];

	if (!file)
		return;
	snprintf(number, sizeof(number), "%u", geteuid());
	while (getline(&line, &room, file) >= 0) {
		struct range range;
		char *colon = strchr(line, ':');

		if (!colon || sscanf(colon + 1, "%lu:%lu", &range.first, &range.count) != 2 || !is_sane(range))
			continue;
		*colon = '\0';
		if (end_of(range) > idmap->free)
			idmap->free = end_of(range);
		if (strcmp(line, idmap->user) == 0 || strcmp(line, number) == 0)
			add_mapped(map, range, mapped);
	}
}

/* Does nsswitch.conf(5) name another source of subordinate ids than the files (an LDAP server, say)? */
static bool has_other_source(void)
{
	scoped_file file = fopen("/etc/nsswitch.conf", "re");
	scoped_str line = NULL;
	char source[32];
	size_t room = 0;

	if (!file)
		return false;
	while (getline(&line, &room, file) >= 0) {
		if (sscanf(line, " subid: %31s", source) == 1)
			return strcmp(source, "files") != 0;
	}
	return false;
}

/* As read_ranges(), by getsubids(1), whose lines are `N: NAME FIRST COUNT`. */
static void ask_ranges(const struct idmap *idmap, struct map *map, const char *option, const char *mapped)
{
	scoped_str program = command_find("getsubids");
	scoped_str output = NULL;

	if (!program)
		return;
	const char *arguments[] = {program, option ? option : idmap->user, option ? idmap->user : NULL, NULL};

	if (command_run(arguments, &output) != 0)
		return;
	for (char *rest = output, *line; (line = strsep(&rest, "\n"));) {
		struct range range;

		if (sscanf(line, "%*u: %*s %lu %lu", &range.first, &range.count) == 2 && is_sane(range))
			add_mapped(map, range, mapped);
	}
}

/* The name in /etc/passwd; NULL where the user is not in the file. */
static char *listed_name(void)
{
	scoped_file file = fopen("/etc/passwd", "re");
	struct passwd *entry = NULL;

	while (file && (entry = fgetpwent(file))) {
		if (entry->pw_uid == geteuid())
			return strdup(entry->pw_name);
	}
	return NULL;
}

/* A static program can't load the modules of nsswitch.conf(5), so users of a directory service are getent(1)'s. */
static char *user_name(void)
{
	scoped_str name = listed_name();
	scoped_str getent = name ? NULL : command_find("getent");
	scoped_str output = NULL;
	char number[16];

	if (name)
		return scoped_take_str(&name);
	snprintf(number, sizeof(number), "%u", geteuid());
	const char *arguments[] = {getent, "passwd", number, NULL};

	if (getent && command_run(arguments, &output) == 0 && strchr(output, ':'))
		*strchr(output, ':') = '\0';
	else
		output = strdup(number);
	if (!output)
		die("Out of memory");
	return scoped_take_str(&output);
}

static void plan_map(struct idmap *idmap, struct map *map, bool groups)
{
	scoped_str mapped = io_read_file(AT_FDCWD, groups ? "/proc/self/gid_map" : "/proc/self/uid_map", NULL);

	if (!mapped)
		die_errno("Cannot read the id map of this process in /proc");
	map->lines[0] = (struct range){groups ? getegid() : geteuid(), 1};
	map->count = 1;
	read_ranges(idmap, map, groups ? "/etc/subgid" : "/etc/subuid", mapped);
	if (has_other_source())
		ask_ranges(idmap, map, groups ? "-g" : NULL, mapped);
}

void idmap_plan(struct idmap *idmap)
{
	*idmap = (struct idmap){
		.free = FIRST_SUBORDINATE,
		.user = user_name(),
		.newuidmap = command_find("newuidmap"),
		.newgidmap = command_find("newgidmap"),
	};
	plan_map(idmap, &idmap->uids, false);
	plan_map(idmap, &idmap->gids, true);
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
	const char *arguments[2 + 3 * IDMAP_LINES + 1] = {tool};
	char numbers[2 + 3 * IDMAP_LINES][12];
	unsigned long inside = 0;
	size_t count = 1;
	scoped_str said = NULL;

	snprintf(numbers[count], sizeof(numbers[count]), "%d", pid);
	count++;
	for (size_t i = 0; i < map->count; i++) {
		unsigned long room = LARGEST_COUNT - inside;
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
	unsigned long count;

	return map && sscanf(map, "%*u %*u %lu", &count) == 1 && count == 1 && strchr(map, '\n')[1] == '\0';
}

void idmap_free(struct idmap *idmap)
{
	free(idmap->user);
	free(idmap->newuidmap);
	free(idmap->newgidmap);
	*idmap = (struct idmap){.user = NULL};
}
