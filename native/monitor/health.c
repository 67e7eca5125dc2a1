#define _GNU_SOURCE
#include "monitor/health.h"

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
#include "monitor/clients.h"
#include "monitor/event.h"
#include "monitor/fault.h"
#include "monitor/healthfile.h"
#include "monitor/loop.h"

enum { PATIENCE = 30 * 1000 /* ms; for the runtime's start */, TRY_AGAIN = 100 /* ms */ };

enum { LONGEST_OUTPUT = 4096, MOST_DRAINED = 64 * 1024, NO_STATUS = -1 };

static struct {
	const struct config *config;
	struct health_state state;
	bool on;	    /* the container runs and isn't paused */
	uint64_t began;	    /* ms; the container */
	struct timer timer; /* the next check, or the end of patience with the one at work */
	/* The check at work. */
	pid_t runtime;
	pid_t process;
	bool abandoned; /* nobody wants its result any more */
	bool late;
	struct timespec start;
	uint64_t start_ms;
	char id[65]; /* of the exec, for the events alone */
	struct watch out;
	char *output;
	size_t size;
	bool cut;
} health = {.out.fd = -1};

static void ring(struct timer *timer);

static bool busy(void)
{
	return health.runtime > 0 || health.process > 0;
}

/* Docker tells of a check as of any other exec. WHAT: "exec_create: "; the command is put behind. */
static void note(const char *what, const char *command, const char *more)
{
	scoped_str action = NULL;
	char details[128];

	snprintf(details, sizeof(details), "\"execID\":\"%s\"%s", health.id, more);
	if (asprintf(&action, "%s%s", what, command) < 0)
		action = NULL;
	else
		event_record(health.config, action, details);
}

static void note_end(int exit_code)
{
	char more[32];

	snprintf(more, sizeof(more), ",\"exitCode\":\"%d\"", exit_code);
	note("exec_die", "", more);
}

static void note_status(const char *before)
{
	char action[32];

	if (strcmp(before, health.state.status) == 0)
		return;
	snprintf(action, sizeof(action), "health_status: %s", health.state.status);
	event_record(health.config, action, NULL);
}

static void save(const struct health_result *result)
{
	/* The best that is known, as the container's state. */
	(void)healthfile_save(health.config->health_record, &health.state, result);
}

/* --- what a result means ----------------------------------------------------------------------------------------- */

static bool in_start_period(uint64_t when)
{
	return when - health.began < (uint64_t)health.config->health_start_period;
}

/* From the end of one check to the start of the next. */
static uint64_t pause_before_next(void)
{
	bool starting = strcmp(health.state.status, HEALTH_STARTING) == 0;

	return (uint64_t)(starting && in_start_period(loop_now()) ? health.config->health_start_interval
								  : health.config->health_interval);
}

static void judge(int exit_code)
{
	if (exit_code == 0) {
		health.state.streak = 0;
		health.state.status = HEALTH_GOOD;
		return;
	}
	/* A failure counts from the first success, or from the end of the start period. */
	if (strcmp(health.state.status, HEALTH_STARTING) == 0 && in_start_period(health.start_ms))
		return;
	if (++health.state.streak >= health.config->health_retries)
		health.state.status = HEALTH_BAD;
}

static void forget(void)
{
	watch_close(&health.out);
	free(health.output);
	health.output = NULL;
	health.size = 0;
	health.cut = false;
	health.late = false;
	health.abandoned = false;
	health.runtime = 0;
	health.process = 0;
}

static void finish(int exit_code, const char *before, const char *text, size_t size)
{
	struct health_result result = {
		.start = health.start, .exit_code = exit_code, .before = before, .text = text, .size = size};
	const char *former = health.state.status;
	char news[64];

	clock_gettime(CLOCK_REALTIME, &result.end);
	if (health.abandoned)
		return forget();
	result.cut = health.cut && size == LONGEST_OUTPUT;
	judge(exit_code);
	save(&result);
	note_status(former);
	snprintf(news, sizeof(news), "checked %d %s", exit_code, health.state.status);
	clients_checked(news);
	forget();
	timer_set(&health.timer, pause_before_next(), ring);
}

/* --- the output -------------------------------------------------------------------------------------------------- */

/* One piece of it; what goes beyond the limit is read and dropped, so that the check isn't held up. */
static bool take_output(void)
{
	char piece[LONGEST_OUTPUT];
	ssize_t n = read(health.out.fd, piece, sizeof(piece));
	size_t kept;

	if (n <= 0)
		return n < 0 && errno == EINTR;
	kept = LONGEST_OUTPUT - health.size < (size_t)n ? LONGEST_OUTPUT - health.size : (size_t)n;
	memcpy(health.output + health.size, piece, kept);
	health.size += kept;
	health.cut = health.cut || kept < (size_t)n;
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
	for (size_t taken = 0; health.out.fd >= 0 && taken < MOST_DRAINED; taken += LONGEST_OUTPUT)
		if (!take_output())
			break;
}

/* --- a check ----------------------------------------------------------------------------------------------------- */

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
	watch_init(&health.out, ends[0], output_ready);
	if (fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0 || watch_want(&health.out, EPOLLIN) < 0)
		return -1;
	/* What an earlier check left must not be taken for this one's. */
	(void)unlink(health.config->health_pid_file);
	(void)unlink(health.config->health_log);
	health.runtime = child_start(health.config->health.items, (const int[3]){null, write_end, write_end});
	return health.runtime < 0 ? -1 : 0;
}

static void new_id(void)
{
	unsigned char bytes[32] = {0};

	/* An id that is all zeros tells as much. */
	if (getrandom(bytes, sizeof(bytes), GRND_NONBLOCK) < 0)
		memset(bytes, 0, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(health.id + 2 * i, 3, "%02x", bytes[i]);
}

static void check(void)
{
	const char *command = health.config->health_command ? health.config->health_command : "";

	clock_gettime(CLOCK_REALTIME, &health.start);
	health.start_ms = loop_now();
	health.output = malloc(LONGEST_OUTPUT);
	new_id();
	note("exec_create: ", command, "");
	note("exec_start: ", command, "");
	if (!health.output || start_runtime() < 0)
		return give_up("start the health check");
	timer_set(&health.timer, PATIENCE, ring);
}

/* The next check is due, or the one at work takes too long. */
static void ring(struct timer *timer)
{
	if (health.abandoned) {
		/* One of before a restart isn't gone yet. */
		timer_set(timer, TRY_AGAIN, ring);
	} else if (!busy()) {
		check();
	} else {
		health.late = true;
		kill(health.process > 0 ? health.process : health.runtime, SIGKILL);
	}
}

static pid_t read_pid(void)
{
	pid_t pid = io_read_pid(health.config->health_pid_file);
	siginfo_t info;

	/* Only one that is our child by now may be waited for, and killed. */
	return pid > 0 && waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 ? pid : 0;
}

static void runtime_failed(int status)
{
	const struct config seen = {.mode = (char *)(size_t) "exec",
				    .runtime = health.config->health,
				    .runtime_log = health.config->health_log};
	char said[LONGEST_OUTPUT + 1] = "", text[LONGEST_OUTPUT];

	if (health.late) {
		snprintf(text, sizeof(text), "timed out starting health check for container %s", health.config->id);
	} else {
		memcpy(said, health.output, health.size);
		said[health.size] = '\0';
		(void)fault_read(&seen, said, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), text,
				 sizeof(text));
	}
	finish(NO_STATUS, "", text, strlen(text));
}

/* The check's process runs, or ran: its time counts from now on. */
static void runtime_ended(int status)
{
	bool started = WIFEXITED(status) && WEXITSTATUS(status) == 0;

	health.runtime = 0;
	health.process = started ? read_pid() : 0;
	drain();
	if (!started)
		return runtime_failed(status);
	if (!health.process) {
		errno = ECHILD;
		return give_up("watch the health check");
	}
	if (health.abandoned)
		kill(health.process, SIGKILL);
	else
		timer_set(&health.timer, (uint64_t)health.config->health_timeout, ring);
}

static void process_ended(int status)
{
	int exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	scoped_str late = NULL;

	health.process = 0;
	drain();
	note_end(exit_code);
	if (!health.late)
		return finish(exit_code, "", health.output, health.size);
	if (health.size > 0 && asprintf(&late, "%s: ", health.config->health_late) < 0)
		late = NULL;
	finish(NO_STATUS, late ? late : health.config->health_late, health.output, health.size);
}

/* --- what others do ---------------------------------------------------------------------------------------------- */

/* The check at work is ended, and nobody hears of it. */
static void abandon(void)
{
	timer_clear(&health.timer);
	if (!busy())
		return;
	health.abandoned = true;
	/* The runtime is left alone: only it knows what it has started. */
	if (health.process > 0)
		kill(health.process, SIGKILL);
}

void health_begin(const struct config *config)
{
	if (config->health.count == 0)
		return;
	health.config = config;
	health.began = loop_now();
	health.state = (struct health_state){.status = HEALTH_STARTING};
	health.on = true;
	save(NULL);
	timer_set(&health.timer, pause_before_next(), ring);
}

static void stop(void)
{
	abandon();
	health.on = false;
	health.state.status = HEALTH_BAD;
	save(NULL);
	clients_checked("checked -1 stopped");
}

void health_end(void)
{
	if (!health.config)
		return;
	stop();
}

void health_pause(bool paused)
{
	if (!health.config || health.on != paused)
		return;
	if (paused)
		return stop();
	health.on = true;
	timer_set(&health.timer, pause_before_next(), ring);
}

bool health_check_now(void)
{
	if (!health.config || !health.on || health.abandoned)
		return false;
	if (!busy())
		check();
	return true;
}

pid_t health_runtime(void)
{
	return health.runtime;
}

bool health_reap(pid_t pid, int status)
{
	if (pid <= 0)
		return false;
	if (pid == health.runtime) {
		runtime_ended(status);
		return true;
	}
	if (pid == health.process) {
		process_ended(status);
		return true;
	}
	return false;
}
