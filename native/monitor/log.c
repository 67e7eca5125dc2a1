#define _GNU_SOURCE
#include "monitor/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "monitor/json.h"
#include "monitor/logfile.h"
#include "monitor/logjournal.h"
#include "monitor/moment.h"

enum {
	AROUND = 256, /* the members besides the text and the attributes */
	MOST_ATTRIBUTES = LOGFILE_ENTRY - LOG_PIECE * JSON_WORST - AROUND,
};

enum kind { JSON, PLAIN, JOURNAL };

static const char *attributes;
static enum kind kind;
static struct timespec now; /* when what is at work now was read: many lines at once came at one time */

static enum kind kind_of(const char *driver)
{
	if (driver && strcmp(driver, "journald") == 0)
		return JOURNAL;
	return driver && strcmp(driver, "k8s-file") == 0 ? PLAIN : JSON;
}

int log_open(const struct config *config)
{
	attributes = config->log_attributes;
	if (!config->log)
		return 0;
	kind = kind_of(config->log_driver);
	if (kind == JOURNAL)
		return logjournal_open(config->log, config->log_fields);
	if (attributes && strlen(attributes) > MOST_ATTRIBUTES) {
		errno = E2BIG;
		return -1;
	}
	return logfile_open(config->log, config->log_max_size, config->log_max_file, config->log_compressor);
}

static bool is_open(void)
{
	return kind == JOURNAL ? logjournal_is_open() : logfile_is_open();
}

static char *copy(char *to, const char *text)
{
	size_t size = strlen(text);

	memcpy(to, text, size);
	return to + size;
}

/* TIME stdout F text, or P for a piece of a line that goes on: the format of Kubernetes' CRI, times as conmon's. */
static void write_plain(const char *stream, const struct timespec *when, const char *parts[2], const size_t sizes[2],
			bool ends)
{
	char *to = logfile_room();

	moment_text(to, when);
	/* Over the Z. */
	to = copy(to + strlen(to) - 1, "+00:00 ");
	to = copy(to, stream);
	to = copy(to, ends ? " F " : " P ");
	memcpy(to, parts[0], sizes[0]);
	memcpy(to + sizes[0], parts[1], sizes[1]);
	to += sizes[0] + sizes[1];
	*to++ = '\n';
	logfile_add(to);
}

/* {"log":"…\n","stream":"stdout","attrs":{…},"time":"…"} */
static void write_json(const char *stream, const struct timespec *when, const char *parts[2], const size_t sizes[2],
		       bool ends)
{
	char *to = copy(logfile_room(), "{\"log\":\"");

	to = json_escape(to, parts[0], sizes[0]);
	to = json_escape(to, parts[1], sizes[1]);
	if (ends)
		to = copy(to, "\\n");
	to = copy(to, "\",\"stream\":\"");
	to = copy(to, stream);
	if (attributes) {
		to = copy(to, "\",\"attrs\":");
		to = copy(to, attributes);
		to = copy(to, ",\"time\":\"");
	} else {
		to = copy(to, "\",\"time\":\"");
	}
	to += moment_trimmed(to, when);
	logfile_add(copy(to, "\"}\n"));
}

static void write_entry(const char *stream, const struct timespec *when, const char *parts[2], const size_t sizes[2],
			bool ends)
{
	switch (kind) {
	case JSON:
		return write_json(stream, when, parts, sizes, ends);
	case PLAIN:
		return write_plain(stream, when, parts, sizes, ends);
	case JOURNAL:
		return logjournal_send(strcmp(stream, "stderr") == 0, parts, sizes, ends);
	}
}

/* Says that lines are missing where they are missing, in an entry of its own. */
static void note_loss(void)
{
	static unsigned long long lost;
	char text[160];
	const char *parts[2] = {text, ""};
	size_t sizes[2] = {0, 0};
	int problem, n;

	lost += logfile_lost(&problem);
	if (lost == 0)
		return;
	n = snprintf(text, sizeof(text), "wherry: lines before this one are lost (%llu): %s", lost, strerror(problem));
	sizes[0] = n > 0 ? (size_t)n : 0;
	write_entry("stderr", &now, parts, sizes, true);
	logfile_flush();
	/* The note itself is no line that was lost. */
	if (logfile_lost(&problem) == 0)
		lost = 0;
}

/* Bytes that go on with a character of UTF-8, of which there are three at most, join its beginning among those that are
 * held: escaped apart they would be no character. All of it together is one piece, so there is room. */
static size_t complete_held(struct line *line, const char *bytes, size_t size)
{
	size_t n = 0;

	while (line->size > 0 && n < size && n < 3 && (bytes[n] & 0xc0) == 0x80)
		line->held[line->size++] = bytes[n++];
	return n;
}

static void log_line(struct line *line, const char *bytes, size_t size, bool ends)
{
	size_t moved = complete_held(line, bytes, size);
	const char *parts[2] = {line->held, bytes + moved};
	size_t sizes[2] = {line->size, size - moved};

	if (kind != JOURNAL && logfile_wait() < 0)
		note_loss();
	/* All pieces of a line have the time of its first one. */
	if (!line->partial)
		line->since = now;
	write_entry(line->stream, &line->since, parts, sizes, ends);
	line->size = 0;
	line->partial = !ends;
}

void log_feed(struct line *line, const char *bytes, size_t size)
{
	if (!is_open())
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	while (size > 0) {
		size_t room = LOG_PIECE - line->size;
		size_t look = size < room ? size : room;
		const char *end = memchr(bytes, '\n', look);
		size_t used = end ? (size_t)(end - bytes) : look;

		if (!end && look < room) {
			memcpy(line->held + line->size, bytes, used);
			line->size += used;
			return;
		}
		log_line(line, bytes, used, end != NULL);
		used += end ? 1 : 0;
		bytes += used;
		size -= used;
	}
}

void log_finish(struct line *line)
{
	clock_gettime(CLOCK_REALTIME, &now);
	if (is_open() && line->size > 0)
		log_line(line, "", 0, false);
	line->size = 0;
	line->partial = false;
}

int log_wait(void)
{
	return logfile_wait();
}

void log_flush(void)
{
	if (kind == JOURNAL)
		logjournal_flush();
	else
		logfile_flush();
}

void log_reap(pid_t pid)
{
	logfile_reap(pid);
}

void log_reopen(void)
{
	logfile_reopen();
}
