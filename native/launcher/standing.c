#define _GNU_SOURCE
#include "launcher/standing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/die.h"
#include "base/io.h"
#include "base/scoped.h"
#include "launcher/runtime.h"

/* FNV-1a of 128 bits (RFC 9923): what is told apart is one user's own command lines. */
typedef unsigned __int128 hash;

#define OFFSET_BASIS (((hash)0x6c62272e07bb0142 << 64) | 0x62b821756295c58d)
#define PRIME (((hash)1 << 88) | 0x13b)

static hash with_bytes(hash before, const void *bytes, size_t size)
{
	const unsigned char *at = bytes;
	hash made = before;

	for (size_t i = 0; i < size; i++)
		made = (made ^ at[i]) * PRIME;
	return made;
}

/* The zero at the end as well: "ab", "c" is not "a", "bc". */
static hash with_text(hash before, const char *text)
{
	return with_bytes(before, text, strlen(text) + 1);
}

static void write_hash(char text[33], hash made)
{
	snprintf(text, 33, "%016llx%016llx", (unsigned long long)(made >> 64), (unsigned long long)made);
}

/* What is shown differs by the width of the terminal, and by whether it is one. */
static hash with_terminal(hash before, int fd)
{
	struct winsize size = {.ws_row = 0};
	const char kind = isatty(fd) ? 't' : '-';

	if (kind == 't' && ioctl(fd, TIOCGWINSZ, &size) < 0)
		size.ws_row = size.ws_col = 0;
	return with_bytes(with_bytes(before, &kind, 1), &size, sizeof(size));
}

/* The words that `compose` has before and behind its verb are Node's to read; here it is enough that it may be one. */
static bool may_stand(int count, char *const words[])
{
	if (count < 3 || strcmp(words[1], "compose") != 0)
		return false;
	for (int i = 2; i < count; i++) {
		if (strcmp(words[i], "up") == 0 || strcmp(words[i], "ps") == 0)
			return true;
	}
	return false;
}

static bool is_ours(const char *variable)
{
	static const char *const names[] = {
		"COMPOSE_", "DOCKER_", "WHERRY_", "HOME=", "XDG_CONFIG_HOME=", "XDG_DATA_HOME=", "TERM=", "NO_COLOR="};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strncmp(variable, names[i], strlen(names[i])) == 0)
			return true;
	}
	return false;
}

/*
 * What compose and the engine ask for by name. What files ask for is in the note: most of an environment is nobody's
 * concern, and differs from one login to the next.
 */
static hash with_variables(hash before)
{
	hash made = before;

	for (char **variable = environ; *variable; variable++) {
		if (is_ours(*variable))
			made = with_text(made, *variable);
	}
	return made;
}

bool standing_asked(struct standing *standing, int count, char *const words[])
{
	hash name = OFFSET_BASIS, stamp = OFFSET_BASIS;
	struct stat here, program;

	if (!may_stand(count, words))
		return false;
	scoped_str place = getcwd(NULL, 0);
	scoped_str boot = io_read_file(AT_FDCWD, "/proc/sys/kernel/random/boot_id", NULL);

	if (!place || !boot || stat(".", &here) < 0 || stat("/proc/self/exe", &program) < 0)
		return false;
	name = with_text(name, place);
	for (int i = 0; i < count; i++)
		name = with_text(name, words[i]);
	stamp = with_text(stamp, boot);
	stamp = with_bytes(stamp, &here.st_ino, sizeof(here.st_ino));
	stamp = with_bytes(stamp, &program.st_ino, sizeof(program.st_ino));
	stamp = with_bytes(stamp, &program.st_ctim, sizeof(program.st_ctim));
	stamp = with_variables(stamp);
	stamp = with_terminal(with_terminal(stamp, STDOUT_FILENO), STDERR_FILENO);
	write_hash(standing->name, name);
	write_hash(standing->stamp, stamp);
	return true;
}

/* A note as it is read: strings up to its end. */
struct note {
	const char *at;
	const char *end;
};

/* The next string; NULL at the end. io_read_file() has put a zero byte behind the last. */
static const char *next(struct note *note)
{
	const char *text = note->at;

	if (text >= note->end)
		return NULL;
	note->at += strlen(text) + 1;
	return text;
}

static long long nanoseconds(struct timespec time)
{
	return (long long)time.tv_sec * 1000000000 + time.tv_nsec;
}

static bool is_unchanged(const char *path, const char *told)
{
	char found[160];
	struct stat stat_now;

	if (!told || stat(path, &stat_now) < 0)
		return false;
	snprintf(found, sizeof(found), "%llu %llu %lld %lld %lld", (unsigned long long)stat_now.st_dev,
		 (unsigned long long)stat_now.st_ino, (long long)stat_now.st_size, nanoseconds(stat_now.st_mtim),
		 nanoseconds(stat_now.st_ctim));
	return strcmp(found, told) == 0;
}

static bool is_absent(const char *path)
{
	struct stat found;

	return stat(path, &found) < 0 && (errno == ENOENT || errno == ENOTDIR);
}

static bool is_alive(const char *pid, const char *start)
{
	const long number = strtol(pid, NULL, 10);

	return start && number > 0 && io_start_time((pid_t)number) == strtoull(start, NULL, 10);
}

static bool is_time(const char *from, const char *until)
{
	struct timespec now;

	if (!until || clock_gettime(CLOCK_REALTIME, &now) < 0)
		return false;
	const long long milliseconds = nanoseconds(now) / 1000000;

	return milliseconds >= strtoll(from, NULL, 10) && milliseconds < strtoll(until, NULL, 10);
}

static bool is_set(const char *variable)
{
	const char *equals = strchr(variable, '=');

	if (!equals)
		return false;
	scoped_str name = strndup(variable, (size_t)(equals - variable));
	const char *value = name ? getenv(name) : NULL;

	return value && strcmp(value, equals + 1) == 0;
}

static bool stands(const char *fact, struct note *note)
{
	switch (*fact) {
	case '=':
		return is_unchanged(fact + 1, next(note));
	case '-':
		return is_absent(fact + 1);
	case '@':
		return is_alive(fact + 1, next(note));
	case '~':
		return is_time(fact + 1, next(note));
	case '$':
		return is_set(fact + 1);
	case '!':
		return !getenv(fact + 1);
	default:
		return false;
	}
}

/* The answer, which begins with the number of its descriptor; NULL when something is not as it was. */
static const char *answer_of(struct note *note, const char *stamp)
{
	const char *text = next(note);

	if (!text || strcmp(text, stamp) != 0)
		return NULL;
	while ((text = next(note))) {
		if (*text == '1' || *text == '2')
			return text;
		if (!stands(text, note))
			return NULL;
	}
	return NULL;
}

bool standing_repeat(const struct standing *standing, const char *path)
{
	scoped_fd runtime = runtime_peek(path);
	char place[48];
	size_t size;

	if (runtime < 0)
		return false;
	snprintf(place, sizeof(place), "standing/%s", standing->name);
	scoped_str text = io_read_file(runtime, place, &size);
	struct note note = {.at = text, .end = text ? text + size : NULL};
	const char *answer = text ? answer_of(&note, standing->stamp) : NULL;
	int fd;

	if (!answer)
		return false;
	fd = *answer == '1' ? STDOUT_FILENO : STDERR_FILENO;
	/* Who has to wait for room on it is Node. */
	if ((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0)
		return false;
	if (io_write(fd, answer + 1, strlen(answer + 1)) < 0)
		die_errno("Cannot write to standard %s", fd == STDOUT_FILENO ? "output" : "error");
	return true;
}
