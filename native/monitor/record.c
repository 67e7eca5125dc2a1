#define _GNU_SOURCE
#include "monitor/record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/scoped.h"
#include "monitor/json.h"
#include "monitor/moment.h"

enum { STATE_SIZE = 4096 + sizeof(((struct record *)0)->error) * JSON_WORST };

/* On a full disk a new file can't be written, but the old one's block is ours: the end of a container is recorded even
 * then. What is left of a longer old text is blanked, as JSON allows. */
static int overwrite(const char *path, char *text, size_t size, size_t room)
{
	scoped_fd fd = open(path, O_WRONLY | O_CLOEXEC);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return -1;
	for (; (off_t)size < status.st_size && size < room; size++)
		text[size] = ' ';
	return pwrite(fd, text, size, 0) == (ssize_t)size ? 0 : -1;
}

static void escape(char *to, const char *text)
{
	*json_escape(to, text, strlen(text)) = '\0';
}

int record_save(const struct config *config, const struct record *record)
{
	char started[MOMENT_SIZE], finished[MOMENT_SIZE] = MOMENT_NEVER;
	char boot[256 * JSON_WORST + 16] = "";
	scoped_str text = NULL;
	scoped_str error = NULL;
	int n;

	if (!config->state)
		return 0;
	text = malloc(STATE_SIZE);
	error = malloc(sizeof(record->error) * JSON_WORST + 16);
	if (!text || !error)
		return -1;
	escape(error, record->error);
	if (config->boot_id && strlen(config->boot_id) < 256)
		escape(boot, config->boot_id);
	moment_text(started, &record->started);
	if (record->finished.tv_sec)
		moment_text(finished, &record->finished);
	n = snprintf(text, STATE_SIZE,
		     "{\"status\":\"%s\",\"pid\":%d,\"pidStart\":%llu,\"monitorPid\":%d,\"monitorStart\":%llu,"
		     "\"bootId\":\"%s\",\"startedAt\":\"%s\",\"finishedAt\":\"%s\",\"exitCode\":%d,\"oomKilled\":%s,"
		     "\"restartCount\":%d,%s\"error\":\"%s\"}\n",
		     record->status, record->pid, record->pid_start, getpid(), io_start_time(getpid()), boot, started,
		     finished, record->exit_code, record->oom_killed ? "true" : "false", record->restart_count,
		     record->stopped ? "\"stopped\":true," : "", error);
	if (n < 0 || n >= STATE_SIZE) {
		errno = EOVERFLOW;
		return -1;
	}
	if (io_replace(AT_FDCWD, config->state, text, (size_t)n, 0600) == 0)
		return 0;
	if (errno != ENOSPC && errno != EDQUOT)
		return -1;
	return overwrite(config->state, text, (size_t)n, STATE_SIZE);
}

int record_register(const struct config *config)
{
	char text[64];
	int n;

	if (!config->registration)
		return 0;
	n = snprintf(text, sizeof(text), "%d %llu\n", getpid(), io_start_time(getpid()));
	return io_replace(AT_FDCWD, config->registration, text, (size_t)n, 0600);
}

unsigned long long record_oom_kills(const struct config *config)
{
	scoped_str text = config->oom_file ? io_read_file(AT_FDCWD, config->oom_file, NULL) : NULL;
	const char *at = text ? strstr(text, "oom_kill ") : NULL;

	return at ? strtoull(at + strlen("oom_kill "), NULL, 10) : 0;
}
