#define _GNU_SOURCE
#include "monitor/logwriter.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"

enum { STACK = 64 * 1024 };

/* Of two threads each has its turn: what is in here belongs to the writer from `todo` to `done`. */
static struct {
	pthread_t thread;
	bool is_there;
	sem_t todo, done;
	int fd;
	const char *bytes; /* NULL: the end */
	size_t size;
	off_t offset;
	int problem;
	long long nanoseconds;
} writer;

static int write_all(void)
{
	if (writer.offset < 0)
		return io_write(writer.fd, writer.bytes, writer.size) < 0 ? errno : 0;
	ssize_t n = pwrite(writer.fd, writer.bytes, writer.size, writer.offset);

	return n == (ssize_t)writer.size ? 0 : n < 0 ? errno : ENOSPC;
}

static void write_and_measure(void)
{
	struct timespec before, after;

	clock_gettime(CLOCK_MONOTONIC, &before);
	writer.problem = write_all();
	clock_gettime(CLOCK_MONOTONIC, &after);
	writer.nanoseconds = (after.tv_sec - before.tv_sec) * 1000000000LL + after.tv_nsec - before.tv_nsec;
}

static void await(sem_t *semaphore)
{
	while (sem_wait(semaphore) < 0 && errno == EINTR)
		;
}

static void *work(void *nothing)
{
	for (;;) {
		await(&writer.todo);
		if (!writer.bytes)
			return nothing;
		write_and_measure();
		sem_post(&writer.done);
	}
}

/* The main thread has blocked the signals that it waits for, and a new one has the same mask: none comes here. */
static void start(void)
{
	pthread_attr_t attributes;

	if (writer.is_there || pthread_attr_init(&attributes) != 0)
		return;
	sem_init(&writer.todo, 0, 0);
	sem_init(&writer.done, 0, 0);
	writer.is_there = pthread_attr_setstacksize(&attributes, STACK) == 0 &&
			  pthread_create(&writer.thread, &attributes, work, NULL) == 0;
	pthread_attr_destroy(&attributes);
}

void logwriter_begin(int fd, const char *bytes, size_t size, off_t offset)
{
	start();
	writer.fd = fd;
	writer.bytes = bytes;
	writer.size = size;
	writer.offset = offset;
	if (writer.is_there)
		sem_post(&writer.todo);
	else
		write_and_measure();
}

int logwriter_wait(long long *nanoseconds)
{
	if (writer.is_there)
		await(&writer.done);
	*nanoseconds = writer.nanoseconds;
	return writer.problem;
}

void logwriter_end(void)
{
	if (!writer.is_there)
		return;
	writer.bytes = NULL;
	sem_post(&writer.todo);
	(void)pthread_join(writer.thread, NULL);
	writer.is_there = false;
}
