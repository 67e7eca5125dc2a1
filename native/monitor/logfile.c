#define _GNU_SOURCE
#include "monitor/logfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"
#include "base/scoped.h"
#include "monitor/child.h"
#include "monitor/loop.h"

enum {
	BLOCK = 256 * 1024, /* large ones cost the kernel less for each byte */
	PAGE = 4096,
	MUCH = 1024 * 1024, /* bytes without a pause */
	MUCH_MORE = 16 * 1024 * 1024,
	PAUSE = 20,	/* ms without a block, which end a flood */
	WAIT = 5,	/* ms */
	FAVOUR = 3,	/* what is in the cache has still to be written by somebody */
	TRY_OTHER = 64, /* blocks, after which the slower way gets another chance */
};

/*
 * Two ways to write a block. Through the page cache, which is best for all that a log usually is. Past it (O_DIRECT),
 * which on fast disks costs a fraction of the work when gigabytes are passed through a container: binary data grows
 * sixfold as JSON. Which is faster depends on the disk and on what else is dirty, so both are measured.
 */
enum way { CACHED, DIRECT };

/* There is one in a monitor. The block takes memory only as far as it is used, and gives it back. */
static struct {
	int fd;
	int direct; /* the same file without the page cache; -1 */
	bool never_direct;
	const char *path;
	long long limit, files;
	const char *compressor; /* NULL: complete files stay as they are */
	pid_t compressing;	/* 0: nobody */
	long long rotate_at;	/* bytes; -1: never */
	long long size;		/* of the file, as far as this process wrote it */
	long long whole;	/* up to where the file has whole entries */
	size_t used;		/* of the block */
	unsigned entries;	/* that end in the block */
	unsigned long long lost;
	int problem;
	long long flood;     /* bytes since the last pause */
	uint64_t last_flush; /* ms */
	long long cost[2];   /* ns for a page, smoothed; 0: not known */
	unsigned blocks;
} file = {.fd = -1, .direct = -1};

static _Alignas(PAGE) char block[BLOCK + LOGFILE_ENTRY];

static void close_direct(void)
{
	if (file.direct >= 0)
		close(file.direct);
	file.direct = -1;
}

static long long size_now(void)
{
	struct stat status;

	return fstat(file.fd, &status) == 0 ? (long long)status.st_size : 0;
}

/* A monitor that was killed may have left half an entry; what is appended must not become part of it. */
static void cut_unfinished(const char *path)
{
	scoped_fd fd = open(path, O_RDWR | O_CLOEXEC);
	long long size = size_now(), from = size > (long long)sizeof(block) ? size - (long long)sizeof(block) : 0;
	ssize_t n = fd < 0 || size == 0 ? 0 : pread(fd, block, (size_t)(size - from), (off_t)from);
	const char *last = n > 0 ? memrchr(block, '\n', (size_t)n) : NULL;

	if (n > 0 && (last || from == 0) && last != block + n - 1 &&
	    ftruncate(fd, (off_t)(from + (last ? last - block + 1 : 0))) == 0)
		file.size = file.whole = size_now();
	(void)madvise(block, sizeof(block), MADV_DONTNEED);
}

static int open_file(int flags)
{
	int fd = open(file.path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | flags, 0640);

	if (fd < 0)
		return -1;
	if (file.fd >= 0)
		close(file.fd);
	close_direct();
	file.fd = fd;
	file.size = file.whole = size_now();
	file.rotate_at = file.limit > 0 ? file.limit : -1;
	return 0;
}

int logfile_open(const char *path, long long limit, long long files, const char *compressor)
{
	file.compressor = compressor;
	file.path = path;
	file.limit = limit;
	file.files = files;
	if (open_file(0) < 0)
		return -1;
	cut_unfinished(path);
	return 0;
}

bool logfile_is_open(void)
{
	return file.fd >= 0;
}

/* What could not be written is lost, and the part of it that was is taken back: no reader shall meet half a line. */
static void lose_block(void)
{
	file.problem = errno;
	file.lost += file.entries ? file.entries : 1;
	if (size_now() > file.whole && ftruncate(file.fd, (off_t)file.whole) < 0)
		file.problem = errno;
	file.size = file.whole;
	file.used = 0;
	file.entries = 0;
}

static void write_block(void)
{
	if (file.used == 0)
		return;
	if (io_write(file.fd, block, file.used) < 0)
		return lose_block();
	file.size += (long long)file.used;
	file.whole = file.size;
	file.used = 0;
	file.entries = 0;
}

/* The first N bytes of the block are in the file; an entry may go on in the rest. */
static void drop_written(size_t n)
{
	const char *last = memrchr(block, '\n', n);

	if (last)
		file.whole = file.size + (last - block) + 1;
	file.size += (long long)n;
	file.used -= n;
	memmove(block, block + n, file.used);
}

/* Writes past the page cache, which wants whole pages at whole pages' places. false: not this time. */
static bool write_direct(void)
{
	size_t head, n;

	/* Somebody may have emptied the file. */
	file.size = size_now();
	head = (size_t)(-file.size & (PAGE - 1));
	if (head > 0) {
		if (io_write(file.fd, block, head) < 0)
			return false;
		drop_written(head);
	}
	n = file.used & ~(size_t)(PAGE - 1);
	if (pwrite(file.direct, block, n, (off_t)file.size) != (ssize_t)n)
		return false;
	drop_written(n);
	return true;
}

static enum way choose_way(void)
{
	char path[32];

	if (file.flood < MUCH_MORE || file.never_direct)
		return CACHED;
	if (file.direct < 0) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", file.fd);
		file.direct = open(path, O_WRONLY | O_DIRECT | O_CLOEXEC);
		file.never_direct = file.direct < 0;
		return file.direct < 0 ? CACHED : DIRECT;
	}
	enum way faster = file.cost[DIRECT] < FAVOUR * file.cost[CACHED] ? DIRECT : CACHED;

	return ++file.blocks % TRY_OTHER ? faster : faster == DIRECT ? CACHED : DIRECT;
}

/* A full block. */
static void spill(void)
{
	enum way way = choose_way();
	size_t size = file.used;
	struct timespec before, after;
	long long cost;

	clock_gettime(CLOCK_MONOTONIC, &before);
	if (way == DIRECT && !write_direct()) {
		/* Not on this file system, or the disk is full, which the other way will find out. */
		file.never_direct = true;
		close_direct();
		way = CACHED;
	}
	if (way == CACHED)
		write_block();
	clock_gettime(CLOCK_MONOTONIC, &after);
	cost = (after.tv_sec - before.tv_sec) * 1000000000 + after.tv_nsec - before.tv_nsec;
	cost = cost * PAGE / (long long)size + 1;
	file.cost[way] = file.cost[way] ? (3 * file.cost[way] + cost) / 4 : cost;
}

static int shift_file(long long i, const char *ending)
{
	char from[PATH_MAX], to[PATH_MAX];

	snprintf(from, sizeof(from), "%s.%lld%s", file.path, i - 1, ending);
	snprintf(to, sizeof(to), "%s.%lld%s", file.path, i, ending);
	return rename(i == 1 ? file.path : from, to) < 0 && errno != ENOENT ? -1 : 0;
}

/* FILE.1 becomes FILE.2 and so on, the last one goes. */
static int shift_files(void)
{
	for (long long i = file.files - 1; i >= 1; i--) {
		if (i > 1 && file.compressor && shift_file(i, ".gz") < 0)
			return -1;
		if (shift_file(i, "") < 0)
			return -1;
	}
	return 0;
}

/* The last file that was completed may still be at work on: its name is not given to another before. */
static void await_compressor(void)
{
	if (file.compressing > 0)
		(void)waitpid(file.compressing, NULL, 0);
	file.compressing = 0;
}

/* FILE.1 becomes FILE.1.gz, while the container goes on. Where that can't be, it stays as it is. */
static void compress_last(void)
{
	static const int nothing[3] = {0, 1, 2};
	char path[PATH_MAX];
	char *arguments[] = {(char *)(size_t)file.compressor, (char *)"-f", (char *)"-q", (char *)"--", path, NULL};

	if (!file.compressor || file.files < 2)
		return;
	snprintf(path, sizeof(path), "%s.1", file.path);
	file.compressing = child_start(arguments, nothing);
}

static void rotate(void)
{
	write_block();
	await_compressor();
	if (shift_files() == 0 && open_file(O_TRUNC) == 0)
		return compress_last();
	/* It goes on as it is, up to the next try. */
	file.problem = errno;
	file.rotate_at = file.size + file.limit;
}

char *logfile_room(void)
{
	/* Docker looks before each entry, so a file is larger than its limit by a part of one. */
	if (file.rotate_at > 0 && file.size + (long long)file.used >= file.rotate_at)
		rotate();
	if (file.used >= BLOCK)
		spill();
	return block + file.used;
}

void logfile_add(const char *end)
{
	size_t used = (size_t)(end - block);

	file.flood += (long long)(used - file.used);
	file.used = used;
	file.entries++;
}

int logfile_wait(void)
{
	return file.used == 0 ? -1 : file.flood < MUCH ? 0 : WAIT;
}

void logfile_flush(void)
{
	uint64_t now = loop_now();
	bool large = file.used > PAGE || file.flood > PAGE;

	if (file.fd < 0)
		return;
	write_block();
	/* A flood is no steady stream: who writes and who reads take turns. */
	if (now - file.last_flush > PAUSE) {
		file.flood = 0;
		close_direct();
	}
	file.last_flush = now;
	if (large)
		(void)madvise(block + PAGE, sizeof(block) - PAGE, MADV_DONTNEED);
}

void logfile_reap(pid_t pid)
{
	if (pid == file.compressing)
		file.compressing = 0;
}

void logfile_reopen(void)
{
	if (file.fd < 0)
		return;
	logfile_flush();
	(void)open_file(0);
}

unsigned long long logfile_lost(int *problem)
{
	unsigned long long lost = file.lost;

	*problem = file.problem;
	file.lost = 0;
	return lost;
}
