#define _GNU_SOURCE
#include "monitor/check.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"
#include "base/scoped.h"
#include "monitor/child.h"
#include "monitor/event.h"
#include "monitor/fault.h"
#include "monitor/loop.h"

enum { PATIENCE = 30 * 1000 /* ms; for the runtime's start */ };

enum { LONGEST_OUTPUT = 4096, MOST_DRAINED = 64 * 1024, NO_STATUS = -1 };

/* The one at work. */
static struct {
	const struct config *config;
	void (*finished)(const struct health_result *result);
	pid_t runtime;
	pid_t process;
	struct timer patience;
	bool abandoned; /* nobody wants its result any more */
	bool late;
	struct timespec start;
	char id[65]; /* of the exec, for the events alone */
	struct watch out;
	char *output;
	size_t size;
	bool cut;
} check = {.out.fd = -1};

bool check_busy(void)
{
	return check.runtime > 0 || check.process > 0;
}

pid_t check_runtime(void)
{
	return check.runtime;
}

/* Docker tells of a check as of any other exec. WHAT: "exec_create: "; the command is put behind. */
static void note(const char *what, const char *command, const char *more)
{
	scoped_str action = NULL;
	char details[128];

	snprintf(details, sizeof(details), "\"execID\":\"%s\"%s", check.id, more);
	if (asprintf(&action, "%s%s", what, command) < 0)
		action = NULL;
	else
		event_record(check.config, action, details);
}

static void note_end(int exit_code)
{
	char more[32];

	snprintf(more, sizeof(more), ",\"exitCode\":\"%d\"", exit_code);
	note("exec_die", "", more);
}

static void forget(void)
{
	timer_clear(&check.patience);
	watch_close(&check.out);
	free(check.output);
	check.output = NULL;
	check.size = 0;
	check.cut = false;
	check.late = false;
	check.abandoned = false;
	check.runtime = 0;
	check.process = 0;
}

static void finish(int exit_code, const char *before, const char *text, size_t size)
{
	struct health_result result = {.start = check.start,
				       .exit_code = exit_code,
				       .before = before,
				       .text = text,
				       .size = size,
				       .cut = check.cut && size == LONGEST_OUTPUT};

	clock_gettime(CLOCK_REALTIME, &result.end);
	if (!check.abandoned)
		check.finished(&result);
	forget();
}

/* --- the output -------------------------------------------------------------------------------------------------- */

/* One piece of it; what goes beyond the limit is read and dropped, so that the check isn't held up. false: there is
 * none, with EAGAIN when one may still come. */
static bool take_output(void)
{
	char piece[LONGEST_OUTPUT];
	ssize_t n;
	size_t kept;

	errno = 0;
	n = read(check.out.fd, piece, sizeof(piece));
	if (n <= 0)
		return n < 0 && errno == EINTR;
	kept = LONGEST_OUTPUT - check.size < (size_t)n ? LONGEST_OUTPUT - check.size : (size_t)n;
	memcpy(check.output + check.size, piece, kept);
	check.size += kept;
	check.cut = check.cut || kept < (size_t)n;
	return true;
}

static void output_ready(struct watch *watch, uint32_t events)
{
	(void)events;
	if (!take_output() && errno != EAGAIN)
		watch_close(watch);
}

/* What was written before the end is in the pipe by now; who else still has the other side is nobody's concern. */
static void drain(void)
{
	for (size_t taken = 0; check.out.fd >= 0 && taken < MOST_DRAINED; taken += LONGEST_OUTPUT)
		if (!take_output())
			break;
}

/* --- its beginning ----------------------------------------------------------------------------------------------- */

static void too_late(struct timer *timer)
{
	(void)timer;
	check.late = true;
	kill(check.process > 0 ? check.process : check.runtime, SIGKILL);
}

static void give_up(const char *what)
{
	char text[256];
	int n = snprintf(text, sizeof(text), "cannot %s: %s", what, strerror(errno));

	finish(NO_STATUS, "", text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
}

static int start_runtime(void)
{
	scoped_fd null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int ends[2];

	if (null < 0 || pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	scoped_fd write_end = ends[1];
	watch_init(&check.out, ends[0], output_ready);
	if (fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0 || watch_want(&check.out, EPOLLIN) < 0)
		return -1;
	/* What an earlier check left must not be taken for this one's. */
	(void)unlink(check.config->health_pid_file);
	(void)unlink(check.config->health_log);
	check.runtime = child_start(check.config->health.items, (const int[3]){null, write_end, write_end});
	return check.runtime < 0 ? -1 : 0;
}

static void new_id(void)
{
	unsigned char bytes[32] = {0};

	/* An id that is all zeros tells as much. */
	if (getrandom(bytes, sizeof(bytes), GRND_NONBLOCK) < 0)
		memset(bytes, 0, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(check.id + 2 * i, 3, "%02x", bytes[i]);
}

void check_begin(const struct config *config, void (*finished)(const struct health_result *result))
{
	const char *command = config->health_command ? config->health_command : "";

	check.config = config;
	check.finished = finished;
	clock_gettime(CLOCK_REALTIME, &check.start);
	check.output = malloc(LONGEST_OUTPUT);
	new_id();
	note("exec_create: ", command, "");
	note("exec_start: ", command, "");
	if (!check.output || start_runtime() < 0)
		return give_up("start the health check");
	timer_set(&check.patience, PATIENCE, too_late);
}

/* --- its end ----------------------------------------------------------------------------------------------------- */

static pid_t read_pid(void)
{
	pid_t pid = io_read_pid(check.config->health_pid_file);
	siginfo_t info;

	/* Only one that is our child by now may be waited for, and killed. */
	return pid > 0 && waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 ? pid : 0;
}

static void runtime_failed(int status)
{
	const struct config seen = {.mode = (char *)(size_t) "exec",
				    .runtime = check.config->health,
				    .runtime_log = check.config->health_log};
	char said[LONGEST_OUTPUT + 1] = "", text[LONGEST_OUTPUT];

	if (check.late) {
		snprintf(text, sizeof(text), "timed out starting health check for container %s", check.config->id);
	} else {
		memcpy(said, check.output, check.size);
		said[check.size] = '\0';
		(void)fault_read(&seen, said, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), text,
				 sizeof(text));
	}
	finish(NO_STATUS, "", text, strlen(text));
}

/* The check's process runs, or ran: its time counts from now on. */
static void runtime_ended(int status)
{
	bool started = WIFEXITED(status) && WEXITSTATUS(status) == 0;

	check.runtime = 0;
	check.process = started ? read_pid() : 0;
	drain();
	if (!started)
		return runtime_failed(status);
	if (!check.process) {
		errno = ECHILD;
		return give_up("watch the health check");
	}
	if (check.abandoned)
		kill(check.process, SIGKILL);
	else
		timer_set(&check.patience, (uint64_t)check.config->health_timeout, too_late);
}

static void process_ended(int status)
{
	int exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	scoped_str late = NULL;

	check.process = 0;
	drain();
	note_end(exit_code);
	if (!check.late)
		return finish(exit_code, "", check.output, check.size);
	if (check.size > 0 && asprintf(&late, "%s: ", check.config->health_late) < 0)
		late = NULL;
	finish(NO_STATUS, late ? late : check.config->health_late, check.output, check.size);
}

void check_abandon(void)
{
	timer_clear(&check.patience);
	if (!check_busy())
		return;
	check.abandoned = true;
	/* The runtime is left alone: only it knows what it has started. */
	if (check.process > 0)
		kill(check.process, SIGKILL);
}

bool check_reap(pid_t pid, int status)
{
	if (pid <= 0)
		return false;
	if (pid == check.runtime) {
		runtime_ended(status);
		return true;
	}
	if (pid == check.process) {
		process_ended(status);
		return true;
	}
	return false;
}
