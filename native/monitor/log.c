#define _GNU_SOURCE
#include "monitor/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "monitor/json.h"
#include "monitor/moment.h"

enum {
	BLOCK = 256 * 1024, /* large ones cost the kernel less for each byte */
	AROUND = 256,	    /* the members besides the text and the attributes */
	MOST_ATTRIBUTES = 64 * 1024,
	PAGE = 4096,
	ROOM = BLOCK + LOG_PIECE * JSON_WORST + MOST_ATTRIBUTES + 2 * AROUND,
};

/* There is one log in a monitor. The block takes memory only as far as it is used, and gives it back. */
static struct {
	int fd;
	const char *path;
	const char *attributes;
	long long size;	 /* of the file, without the block */
	long long limit; /* -1: none */
	long long files;
	size_t used;		 /* of the block */
	unsigned long long lost; /* entries that could not be written */
	unsigned entries;	 /* in the block */
	int problem;
} log_file = {.fd = -1};

static _Alignas(PAGE) char block[(ROOM + PAGE - 1) / PAGE * PAGE];

static int open_file(int flags)
{
	struct stat status;
	int fd = open(log_file.path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | flags, 0640);

	if (fd < 0)
		return -1;
	log_file.fd = fd;
	log_file.size = fstat(fd, &status) == 0 ? (long long)status.st_size : 0;
	return 0;
}

int log_open(const struct config *config)
{
	log_file.path = config->log;
	log_file.attributes = config->log_attributes;
	log_file.limit = config->log_max_size;
	log_file.files = config->log_max_file;
	if (!log_file.path)
		return 0;
	if (log_file.attributes && strlen(log_file.attributes) > MOST_ATTRIBUTES) {
		errno = E2BIG;
		return -1;
	}
	return open_file(0);
}

static void write_block(void)
{
	if (log_file.used == 0)
		return;
	if (io_write(log_file.fd, block, log_file.used) == 0) {
		log_file.size += (long long)log_file.used;
	} else {
		log_file.problem = errno;
		log_file.lost += log_file.entries;
		/* A part may have been written: no reader shall meet half a line. */
		if (ftruncate(log_file.fd, (off_t)log_file.size) < 0)
			log_file.problem = errno;
	}
	log_file.used = 0;
	log_file.entries = 0;
}

/* FILE.1 becomes FILE.2 and so on, the last one goes. */
static int shift_files(void)
{
	for (long long i = log_file.files - 1; i >= 1; i--) {
		char from[PATH_MAX], to[PATH_MAX];

		if (i == 1)
			snprintf(from, sizeof(from), "%s", log_file.path);
		else
			snprintf(from, sizeof(from), "%s.%lld", log_file.path, i - 1);
		snprintf(to, sizeof(to), "%s.%lld", log_file.path, i);
		if (rename(from, to) < 0 && errno != ENOENT)
			return -1;
	}
	return 0;
}

static void rotate(void)
{
	int old = log_file.fd;

	write_block();
	/* Where it can't be done now the file grows by its size once more, before the next try. */
	log_file.size = 0;
	if (shift_files() < 0 || open_file(O_TRUNC) < 0)
		log_file.problem = errno;
	else
		close(old);
}

static char *copy(char *to, const char *text)
{
	size_t size = strlen(text);

	memcpy(to, text, size);
	return to + size;
}

/* {"log":"…\n","stream":"stdout","attrs":{…},"time":"…"} */
static void write_entry(const char *stream, const struct timespec *when, const char *parts[2], const size_t sizes[2],
			bool ends)
{
	char *to;

	if (log_file.limit > 0 && log_file.size + (long long)log_file.used >= log_file.limit)
		rotate();
	if (log_file.used >= BLOCK)
		write_block();
	to = copy(block + log_file.used, "{\"log\":\"");
	to = json_escape(to, parts[0], sizes[0]);
	to = json_escape(to, parts[1], sizes[1]);
	if (ends)
		to = copy(to, "\\n");
	to = copy(to, "\",\"stream\":\"");
	to = copy(to, stream);
	if (log_file.attributes) {
		to = copy(to, "\",\"attrs\":");
		to = copy(to, log_file.attributes);
		to = copy(to, ",\"time\":\"");
	} else {
		to = copy(to, "\",\"time\":\"");
	}
	to += moment_trimmed(to, when);
	to = copy(to, "\"}\n");
	log_file.used = (size_t)(to - block);
	log_file.entries++;
}

/* Says once that lines are missing, where they are missing. */
static void note_loss(void)
{
	char text[160];
	const char *parts[2] = {text, ""};
	size_t sizes[2] = {0, 0};
	struct timespec now;

	int n = snprintf(text, sizeof(text), "wherry: lines before this one are lost (%llu): %s", log_file.lost,
			 strerror(log_file.problem));

	sizes[0] = n > 0 ? (size_t)n : 0;
	log_file.lost = 0;
	clock_gettime(CLOCK_REALTIME, &now);
	write_entry("stderr", &now, parts, sizes, true);
}

static void log_line(struct line *line, const char *bytes, size_t size, bool ends)
{
	const char *parts[2] = {line->held, bytes};
	size_t sizes[2] = {line->size, size};

	if (log_file.lost > 0 && log_file.used == 0) {
		unsigned long long lost = log_file.lost;

		note_loss();
		write_block();
		if (log_file.lost > 0) /* the note is no entry that was lost */
			log_file.lost = lost;
	}
	/* All pieces of a line have the time of its first one. */
	if (!line->partial)
		clock_gettime(CLOCK_REALTIME, &line->since);
	write_entry(line->stream, &line->since, parts, sizes, ends);
	line->size = 0;
	line->partial = !ends;
}

void log_feed(struct line *line, const char *bytes, size_t size)
{
	if (log_file.fd < 0)
		return;
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
	if (log_file.fd >= 0 && line->size > 0)
		log_line(line, "", 0, false);
	line->size = 0;
	line->partial = false;
}

bool log_pending(void)
{
	return log_file.used > 0;
}

void log_flush(void)
{
	size_t used = log_file.used;

	if (log_file.fd < 0)
		return;
	write_block();
	if (used > PAGE)
		(void)madvise(block + PAGE, sizeof(block) - PAGE, MADV_DONTNEED);
}

void log_reopen(void)
{
	int old = log_file.fd;

	if (old < 0)
		return;
	log_flush();
	if (open_file(0) == 0)
		close(old);
}
