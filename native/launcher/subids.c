#define _GNU_SOURCE
#include "launcher/subids.h"

#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/die.h"
#include "base/io.h"
#include "base/scoped.h"
#include "launcher/command.h"

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
	if (map->count < MAP_LINES && range.count > 0)
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
	return range.count > 0 && range.first > 0 && range.first < MAP_LARGEST_COUNT &&
	       range.count <= MAP_LARGEST_COUNT - range.first;
}

/* The lines `OWNER:FIRST:COUNT` of /etc/subuid or /etc/subgid, whose owner is a name or a number. */
static void read_file(struct map *map, const char *path, const char *user, const char *mapped, unsigned long *free)
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
		if (end_of(range) > *free)
			*free = end_of(range);
		if (strcmp(line, user) == 0 || strcmp(line, number) == 0)
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

/* As read_file(), by getsubids(1), whose lines are `N: NAME FIRST COUNT`. False when it can't be asked. */
static bool ask_service(struct map *map, bool groups, const char *user, const char *mapped)
{
	scoped_str program = command_find("getsubids");
	scoped_str output = NULL;
	const char *const uids[] = {program, user, NULL}, *const gids[] = {program, "-g", user, NULL};

	if (!program || command_run(groups ? gids : uids, &output) != 0)
		return false;
	for (char *rest = output, *line; (line = strsep(&rest, "\n"));) {
		struct range range;

		if (sscanf(line, "%*u: %*s %lu %lu", &range.first, &range.count) == 2 && is_sane(range))
			add_mapped(map, range, mapped);
	}
	return true;
}

void subids_read(struct map *map, bool groups, const char *user, unsigned long *free)
{
	scoped_str mapped = io_read_file(AT_FDCWD, groups ? "/proc/self/gid_map" : "/proc/self/uid_map", NULL);

	if (!mapped)
		die_errno("Cannot read the id map of this process in /proc");
	map->lines[0] = (struct range){groups ? getegid() : geteuid(), 1};
	map->count = 1;
	if (!has_other_source() || !ask_service(map, groups, user, mapped))
		read_file(map, groups ? "/etc/subgid" : "/etc/subuid", user, mapped, free);
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
char *subids_user(void)
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
