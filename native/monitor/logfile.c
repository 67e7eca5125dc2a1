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
#include "monitor/logwriter.h"
#include "monitor/loop.h"

enum {
	BLOCK = 512 * 1024, /* large ones cost the kernel less for each byte */
	ROOM = BLOCK + LOGFILE_ENTRY,
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
	uint64_t last_block; /* ms */
	long long cost[2];   /* ns for a page, smoothed; 0: not known */
	unsigned blocks;
} file = {.fd = -1, .direct = -1};

/* One is filled; the other is empty, or what is being written (logwriter.h). */
static _Alignas(PAGE) char blocks[2][ROOM];
static char *block = blocks[0];

static struct {
	size_t size; /* 0: nothing is being written */
	enum way way;
	unsigned entries; /* that end in it */
	long long whole;  /* up to where the file has whole entries when it is written */
	bool is_split;	  /* its last entry goes on in the block */
} flight;

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
	long long size = size_now(), from = size > ROOM ? size - ROOM : 0;
	ssize_t n = fd < 0 || size == 0 ? 0 : pread(fd, block, (size_t)(size - from), (off_t)from);
	const char *last = n > 0 ? memrchr(block, '\n', (size_t)n) : NULL;

	if (n > 0 && (last || from == 0) && last != block + n - 1 &&
	    ftruncate(fd, (off_t)(from + (last ? last - block + 1 : 0))) == 0)
		file.size = file.whole = size_now();
	(void)madvise(block, ROOM, MADV_DONTNEED);
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
static void lose(unsigned entries, int problem)
{
	file.problem = problem;
	file.lost += entries ? entries : 1;
	if (size_now() > file.whole && ftruncate(file.fd, (off_t)file.whole) < 0)
		file.problem = errno;
	file.size = file.whole;
}

/* The rest of an entry whose beginning is lost goes as well. */
static void lose_rest(void)
{
	const char *end = memchr(block, '\n', file.used);
	size_t n = end ? (size_t)(end - block) + 1 : file.used;

	file.used -= n;
	memmove(block, block + n, file.used);
	file.entries -= file.entries > 0;
	file.lost++;
}

static void note_cost(enum way way, size_t size, long long cost)
{
	cost = cost * PAGE / (long long)size + 1;
	file.cost[way] = file.cost[way] ? (3 * file.cost[way] + cost) / 4 : cost;
}

/* Past the page cache it did not work: not on this file system, or the disk is full, which the other way will find out.
 * 0, or the error's number. */
static int write_again(const char *bytes, size_t size)
{
	file.never_direct = true;
	close_direct();
	/* A part may be there. */
	if (size_now() > file.size && ftruncate(file.fd, (off_t)file.size) < 0)
		return errno;
	return io_write(file.fd, bytes, size) < 0 ? errno : 0;
}

/* Waits until what is being written is in the file, or lost. */
static void settle(void)
{
	size_t size = flight.size;
	long long cost;
	int problem;

	if (size == 0)
		return;
	flight.size = 0;
	problem = logwriter_wait(&cost);
	if (!problem)
		note_cost(flight.way, size, cost);
	else if (flight.way == DIRECT)
		problem = write_again(block == blocks[0] ? blocks[1] : blocks[0], size);
	if (problem) {
		lose(flight.entries, problem);
		if (flight.is_split)
			lose_rest();
		/* What comes next is written at once, until it is clear how it goes on. */
		file.flood = 0;
		return;
	}
	file.size += (long long)size;
	file.whole = flight.whole;
}

static void write_block(void)
{
	settle();
	if (file.used == 0)
		return;
	if (io_write(file.fd, block, file.used) < 0) {
		lose(file.entries, errno);
	} else {
		file.size += (long long)file.used;
		file.whole = file.size;
	}
	file.used = 0;
	file.entries = 0;
}

static unsigned count_entries(const char *bytes, size_t size)
{
	const char *end = bytes + size;
	unsigned count = 0;

	for (const char *at = bytes; at < end && (at = memchr(at, '\n', (size_t)(end - at))); at++)
		count++;
	return count;
}

/* Has the first SIZE bytes of the block written at OFFSET, or at the file's end (-1), and goes on in the other block.
 */
static void launch(enum way way, size_t size, off_t offset)
{
	const char *last = memrchr(block, '\n', size);
	char *other = block == blocks[0] ? blocks[1] : blocks[0];
	size_t rest = file.used - size;
	unsigned later = count_entries(block + size, rest);

	flight.size = size;
	flight.way = way;
	flight.entries = file.entries - later;
	flight.whole = last ? file.size + (last - block) + 1 : file.whole;
	flight.is_split = last != block + size - 1;
	memcpy(other, block + size, rest);
	logwriter_begin(way == DIRECT ? file.direct : file.fd, block, size, offset);
	block = other;
	file.used = rest;
	file.entries = later;
}

/* Past the page cache whole pages are written at whole pages' places: the file is filled up to one. */
static bool fill_page(void)
{
	size_t head;

	/* Somebody may have emptied the file. */
	file.size = size_now();
	head = (size_t)(-file.size & (PAGE - 1));
	if (head == 0)
		return true;
	/* A part of it may be there, which is to be written again. */
	if (io_write(file.fd, block, head) < 0 && ftruncate(file.fd, (off_t)file.size) == 0)
		return false;

	const char *last = memrchr(block, '\n', head);

	if (last)
		file.whole = file.size + (last - block) + 1;
	file.entries -= count_entries(block, head);
	file.size += (long long)head;
	file.used -= head;
	memmove(block, block + head, file.used);
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
	file.last_block = loop_now();
	settle();
	if (file.flood < MUCH || file.used < BLOCK)
		return write_block();
	if (choose_way() == DIRECT && fill_page())
		return launch(DIRECT, file.used & ~(size_t)(PAGE - 1), (off_t)file.size);
	launch(CACHED, file.used, -1);
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
	if (file.rotate_at > 0 && file.size + (long long)(flight.size + file.used) >= file.rotate_at)
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
	return file.used + flight.size == 0 ? -1 : file.flood < MUCH ? 0 : WAIT;
}

void logfile_flush(void)
{
	uint64_t now = loop_now();
	bool is_large = file.used > PAGE || file.flood > PAGE;

	if (file.fd < 0)
		return;
	write_block();
	logwriter_end();
	/* A flood is no steady stream: who writes and who reads take turns. */
	if (now - file.last_block > PAUSE) {
		file.flood = 0;
		close_direct();
	}
	if (!is_large)
		return;
	for (size_t i = 0; i < 2; i++)
		(void)madvise(blocks[i] + PAGE, ROOM - PAGE, MADV_DONTNEED);
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
