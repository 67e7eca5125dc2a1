#define _GNU_SOURCE
#include "monitor/event.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"
#include "base/scoped.h"
#include "monitor/json.h"

enum { FULL = 4 << 20 /* bytes; src/store/events.ts knows it too */ };

/* "{…}" becomes what stands between the braces. Without a file the container has no attributes. */
static char *read_attributes(const struct config *config, const char **inside, int *length)
{
	size_t size = 0;
	char *text = config->event_attributes ? io_read_file(AT_FDCWD, config->event_attributes, &size) : NULL;

	*inside = "";
	*length = 0;
	while (text && size > 0 && text[size - 1] == '\n')
		size--;
	if (text && size > 2 && text[0] == '{' && text[size - 1] == '}') {
		*inside = text + 1;
		*length = (int)size - 2;
	}
	return text;
}

/* The whole line, NULL when memory is out. Where a label has the name of a detail, JSON's readers take the last, and so
 * does Docker. */
static char *make_line(const struct config *config, const char *action, const char *details)
{
	scoped_str escaped = malloc(strlen(action) * JSON_WORST + 16);
	const char *inside;
	int length;
	scoped_str text = read_attributes(config, &inside, &length);
	struct timespec now;
	char *line = NULL;

	if (!escaped)
		return NULL;
	*json_escape(escaped, action, strlen(action)) = '\0';
	if (!details)
		details = "";
	clock_gettime(CLOCK_REALTIME, &now);
	if (asprintf(&line,
		     "{\"Type\":\"container\",\"Action\":\"%s\",\"Actor\":{\"ID\":\"%s\",\"Attributes\":{%s%s%.*s}},"
		     "\"scope\":\"local\",\"time\":%lld,\"timeNano\":%lld%09ld}\n",
		     escaped, config->event_id ? config->event_id : config->id, details, *details && length ? "," : "",
		     length, inside, (long long)now.tv_sec, (long long)now.tv_sec, now.tv_nsec) < 0)
		return NULL;
	return line;
}

/* The lock is on the full journal itself: whoever gets it late sees that another file has its name by now. */
static void rotate(const char *path, int fd, const struct stat *full)
{
	char old[4096];
	struct stat named;

	if (snprintf(old, sizeof(old), "%s.1", path) >= (int)sizeof(old) || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return;
	if (stat(path, &named) == 0 && named.st_ino == full->st_ino)
		(void)rename(path, old);
}

/* A full disk took a part of the line, and the next one would go on in it; unless somebody has added to it already. */
static void take_back(int fd, off_t part, off_t end)
{
	if (lseek(fd, 0, SEEK_CUR) == end && ftruncate(fd, end - part) < 0)
		return;
}

/* O_APPEND and one write put each line whole behind all others. A journal that was filled, renamed and removed while we
 * held it has a successor. */
static void append(const char *path, const char *line, size_t size)
{
	for (;;) {
		scoped_fd fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
		ssize_t n = fd < 0 ? -1 : write(fd, line, size);
		struct stat status;

		if (n < 0 || fstat(fd, &status) < 0)
			return;
		if ((size_t)n < size)
			return take_back(fd, n, status.st_size);
		if (status.st_nlink == 0)
			continue;
		if (status.st_size > FULL)
			rotate(path, fd, &status);
		return;
	}
}

void event_record(const struct config *config, const char *action, const char *details)
{
	scoped_str line = NULL;

	if (!config->events)
		return;
	line = make_line(config, action, details);
	if (line)
		append(config->events, line, strlen(line));
}
