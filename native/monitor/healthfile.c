#define _GNU_SOURCE
#include "monitor/healthfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/scoped.h"
#include "monitor/json.h"
#include "monitor/moment.h"

enum { MOST_RESULTS = 5 };

#define RESULT_BEGINS "{\"Start\""

static char *copy(char *to, const char *text, size_t size)
{
	memcpy(to, text, size);
	return to + size;
}

static char *add(char *to, const char *text)
{
	return copy(to, text, strlen(text));
}

/* Where the last COUNT results of an old file begin; its end where it has none. The comma behind each stays. */
static const char *last_results(const char *old, size_t count)
{
	const char *begins[MOST_RESULTS] = {NULL};
	size_t seen = 0;

	for (const char *line = strchr(old, '\n'); line; line = strchr(line, '\n')) {
		line++;
		if (strncmp(line, RESULT_BEGINS, strlen(RESULT_BEGINS)) == 0)
			begins[seen++ % MOST_RESULTS] = line;
	}
	if (seen == 0)
		return old + strlen(old);
	return begins[(seen > count ? seen - count : 0) % MOST_RESULTS];
}

static char *add_result(char *to, const struct health_result *result)
{
	char start[MOMENT_SIZE], end[MOMENT_SIZE], number[16];

	(void)moment_trimmed(start, &result->start);
	(void)moment_trimmed(end, &result->end);
	snprintf(number, sizeof(number), "%d", result->exit_code);
	to = add(add(add(to, RESULT_BEGINS ":\""), start), "\",\"End\":\"");
	to = add(add(add(to, end), "\",\"ExitCode\":"), number);
	to = add(to, ",\"Output\":\"");
	to = json_escape(to, result->before, strlen(result->before));
	to = json_escape(to, result->text, result->size);
	return add(to, result->cut ? "...\"}" : "\"}");
}

int healthfile_save(const char *path, const struct health_state *state, const struct health_result *result)
{
	scoped_str old = io_read_file(AT_FDCWD, path, NULL);
	const char *kept = last_results(old ? old : "", result ? MOST_RESULTS - 1 : MOST_RESULTS);
	const char *kept_end = strstr(kept, "\n]");
	size_t kept_size = kept_end ? (size_t)(kept_end - kept) : 0;
	size_t text_size = result ? strlen(result->before) + result->size : 0;
	scoped_str text = malloc(512 + kept_size + text_size * JSON_WORST);
	char *at = text;

	if (!text)
		return -1;
	at += sprintf(at, "{\"Status\":\"%s\",\"FailingStreak\":%d,\"Log\":[", state->status, state->streak);
	if (kept_size > 0)
		at = copy(add(at, "\n"), kept, kept_size);
	if (result)
		at = add_result(add(at, kept_size > 0 ? ",\n" : "\n"), result);
	at = add(at, "\n]}\n");
	return io_replace(AT_FDCWD, path, text, (size_t)(at - text), 0600);
}
