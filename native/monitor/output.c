#define _GNU_SOURCE
#include "monitor/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/io.h"
#include "monitor/chunk.h"
#include "monitor/clients.h"
#include "monitor/control.h"
#include "monitor/fault.h"
#include "monitor/log.h"
#include "monitor/outlet.h"

enum {
	USUAL_PIPE = 64 * 1024,
	LARGE_PIPE = 256 * 1024,
	PATIENCE = 2000, /* ms */
	MOST_LAST_WORDS = 32 * 1024 * 1024,
};

struct source {
	struct watch watch;
	unsigned stream; /* STREAM_OUT or STREAM_ERR */
	struct line line;
	bool reading;
	bool large;
	bool begun; /* something was read */
	/* The command's own stream. */
	struct watch direct_watch;
	struct outlet direct;
};

static _Alignas(4096) char held[2][LOG_PIECE];

static struct source sources[2] = {
	{.watch.fd = -1, .stream = STREAM_OUT, .line = {.stream = "stdout", .held = held[0]}, .direct_watch.fd = -1},
	{.watch.fd = -1, .stream = STREAM_ERR, .line = {.stream = "stderr", .held = held[1]}, .direct_watch.fd = -1},
};

static bool is_terminal;
static bool is_refused;
static void (*finished)(void);
static struct timer patience;
static size_t last_words;

#define for_each_source(source) for (struct source *source = sources; (source) < sources + 2; (source)++)

static struct source *source_of(unsigned stream)
{
	return &sources[stream == STREAM_OUT ? 0 : 1];
}

static bool is_held_back(const struct source *source)
{
	return !finished && (outlet_busy(&source->direct) || clients_busy(source->stream));
}

void output_resume(void)
{
	for_each_source(source) if (source->reading && !is_held_back(source))(void) watch_want(&source->watch, EPOLLIN);
}

static void direct_gone(struct source *source)
{
	outlet_close(&source->direct);
	/* As a pipe's end is to Docker's command: it may want to end as well. */
	control_say("broken %u", source->stream);
	output_resume();
}

static void direct_ready(struct watch *watch, uint32_t events)
{
	struct source *source = loop_owner(watch, struct source, direct_watch);

	if (events & (EPOLLERR | EPOLLHUP) || outlet_flush(&source->direct) < 0)
		direct_gone(source);
	else if (!outlet_busy(&source->direct))
		output_resume();
}

void output_share(unsigned stream, int fd)
{
	struct source *source = source_of(stream);

	outlet_share(&source->direct, &source->direct_watch, fd, direct_ready);
}

bool output_refused(void)
{
	return is_refused;
}

void output_let_go(void)
{
	for_each_source(source) outlet_close(&source->direct);
	output_resume();
}

bool output_flushed(void)
{
	return !outlet_busy(&sources[0].direct) && !outlet_busy(&sources[1].direct);
}

static void source_end(struct source *source)
{
	if (!source->reading)
		return;
	source->reading = false;
	log_finish(&source->line);
	watch_close(&source->watch);
}

static void finish_if_read(void)
{
	void (*done)(void) = finished;

	if (!finished || sources[0].reading || sources[1].reading)
		return;
	timer_clear(&patience);
	finished = NULL;
	done();
}

static void pass_on(struct source *source, const char *bytes, size_t size)
{
	struct iovec part = {(void *)(size_t)bytes, size};

	log_feed(&source->line, bytes, size);
	if (source->direct_watch.fd >= 0 && outlet_write(&source->direct, &part, 1) < 0)
		direct_gone(source);
	clients_send(source->stream, bytes, size);
	/* A pipe that is found full is worth a larger one. A user may have only so much of that, so not all get it. */
	if (size >= USUAL_PIPE && !source->large && !is_terminal) {
		source->large = true;
		(void)fcntl(source->watch.fd, F_SETPIPE_SZ, LARGE_PIPE);
	}
}

/* The program's first words may be the runtime's last ones: those go on as Docker has them. */
static size_t reworded(struct source *source, size_t size)
{
	char text[4096];
	bool first = !source->begun;

	source->begun = true;
	if (!first || (source->stream != STREAM_ERR && !is_terminal) || !fault_refused(chunk, size, text, sizeof(text)))
		return size;
	is_refused = true;
	return (size_t)snprintf(chunk, CHUNK_SIZE, "%s%s\n", text, is_terminal ? "\r" : "");
}

/* One chunk; false when there is none, now or ever. */
static bool read_chunk(struct source *source)
{
	ssize_t n = read(source->watch.fd, chunk, CHUNK_SIZE);

	if (n > 0) {
		chunk_used((size_t)n);
		last_words += (size_t)n;
		pass_on(source, chunk, reworded(source, (size_t)n));
		return true;
	}
	/* A terminal says EIO when nobody has it open any more. */
	if (n == 0 || (errno != EAGAIN && errno != EINTR))
		source_end(source);
	return false;
}

static void source_ready(struct watch *watch, uint32_t events)
{
	struct source *source = loop_owner(watch, struct source, watch);

	(void)events;
	/* While it is held back not even its end may wake the loop: that would not stop. */
	if (read_chunk(source) && is_held_back(source))
		watch_pause(watch);
	finish_if_read();
}

static void source_open(struct source *source, int fd)
{
	watch_init(&source->watch, fd, source_ready);
	source->large = false;
}

int output_pipe(unsigned stream)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	/* Only our end: the process has a right to a pipe that waits. */
	(void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
	source_open(source_of(stream), ends[0]);
	is_terminal = false;
	return ends[1];
}

void output_terminal(int fd)
{
	for_each_source(source) watch_close(&source->watch);
	source_open(&sources[0], fd);
	is_terminal = true;
}

void output_start(void)
{
	finished = NULL;
	is_refused = false;
	for_each_source(source)
	{
		source->begun = false;
		source->reading = source->watch.fd >= 0;
		if (source->reading && watch_want(&source->watch, EPOLLIN) < 0)
			source_end(source);
	}
}

void output_fail(char *text, size_t size)
{
	ssize_t n = sources[1].watch.fd < 0 ? 0 : read(sources[1].watch.fd, text, size - 1);

	text[n > 0 ? n : 0] = '\0';
	for_each_source(source)
	{
		source->reading = false;
		watch_close(&source->watch);
	}
}

static void lose_patience(struct timer *timer)
{
	(void)timer;
	for_each_source(source) source_end(source);
	finish_if_read();
}

void output_finish(void (*done)(void))
{
	finished = done;
	last_words = 0;
	timer_set(&patience, PATIENCE, lose_patience);
	for_each_source(source) while (source->reading && last_words < MOST_LAST_WORDS && read_chunk(source));
	output_resume();
	finish_if_read();
}
