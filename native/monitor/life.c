#define _GNU_SOURCE
#include "monitor/life.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "monitor/bounds.h"
#include "monitor/check.h"
#include "monitor/child.h"
#include "monitor/clients.h"
#include "monitor/control.h"
#include "monitor/event.h"
#include "monitor/fault.h"
#include "monitor/health.h"
#include "monitor/launch.h"
#include "monitor/log.h"
#include "monitor/loop.h"
#include "monitor/oom.h"
#include "monitor/output.h"
#include "monitor/overflow.h"
#include "monitor/ports.h"
#include "monitor/record.h"
#include "monitor/restart.h"
#include "monitor/stdio.h"

enum phase { PREPARING, WAITING, STARTING, RUNNING, ENDING, PAUSING, OVER };

enum { UNKNOWN_FAULT = 128 /* Docker's exit code for a container that could not be restarted */ };

enum { TO_COME = -1 /* the runtime will be asked to forget the container, but not yet */ };

static struct {
	const struct config *config;
	enum phase phase;
	pid_t runtime;
	pid_t process;
	pid_t deleter;
	struct record record;
	struct restart restart;
	struct timer pause;
	struct timer patience; /* with a process that was told to end */
	uint64_t since;	       /* ms; when the process was started */
	uint64_t ended;	       /* and when it ended */
	bool ever_started;
	bool terminate; /* SIGTERM came while the process was being started */
	bool stopped;	/* no restart */
	bool again;	/* a restart, whatever the policy says */
	bool drained;	/* the output of the process that has ended is in the log */
	bool told;	/* the command knows the end */
	bool is_copy;	/* only here for clients that are behind */
	/* What the command did. */
	bool command_done;
	bool command_left; /* it stays away, or is gone: cleaning up is ours */
	char error[sizeof(((struct record *)0)->error)];
	int error_status; /* 0: no error */
	char news[64];	  /* the end, as clients are told */
} life;

static void start(void);
static void end_pause(void);

bool life_running(void)
{
	return life.phase == RUNNING;
}

static void save(void)
{
	/* The record is the best that is known. Where it can't be written, readers find out that we're gone. */
	(void)record_save(life.config, &life.record);
}

/* --- the end of all ---------------------------------------------------------------------------------------------- */

static void leave(void)
{
	bool clean_up = life.command_left && !life.command_done && !clients_cleaned() && life.config->cleanup.count > 0;

	clients_close();
	if (life.config->registration)
		(void)unlink(life.config->registration);
	(void)unlink(life.config->pid_file);
	/* Clients that are still behind are served by a copy of this process: cleaning up does not wait for them. */
	life.is_copy = clients_pending() && fork() == 0;
	if (life.is_copy)
		return;
	if (clean_up)
		child_become(life.config->cleanup.items);
	loop_end();
}

static void tell_command(void)
{
	if (life.told)
		return;
	life.told = true;
	if (life.error_status)
		control_say("error %d %s", life.error_status, life.error);
	else if (config_is_exec(life.config))
		control_say("exit %d 0", life.record.exit_code);
	else
		control_say("exit %d %d", life.record.exit_code, life.record.oom_killed);
}

/* What comes after the end waits for two: the command's streams, so that "exit" is the last it hears, and the command.
 */
void life_go_on(void)
{
	if (life.phase != OVER)
		return;
	if (life.is_copy) {
		if (!clients_pending())
			loop_end();
		return;
	}
	if (output_flushed() || life.command_left)
		tell_command();
	/* The command need not wait for the runtime to forget the container, but who starts it anew does. */
	if (life.told && !life.deleter && (life.command_done || life.command_left) && !clients_cleaning())
		leave();
}

static void over(void)
{
	life.phase = OVER;
	snprintf(life.news, sizeof(life.news), "exit %d %d", life.record.exit_code, life.record.oom_killed);
	clients_tell(life.news);
	/* Whoever wants them may have them, however long somebody here still reads. */
	ports_close();
}

/* --- from the end of the process to the next start, or the end of all -------------------------------------------- */

static bool delete (void)
{
	const struct list *command = &life.config->delete;
	static const int nothing[3] = {0, 1, 2};

	life.deleter = 0;
	if (command->count == 0)
		return false;
	life.deleter = child_start(command->items, nothing);
	if (life.deleter < 0)
		life.deleter = 0;
	return life.deleter > 0;
}

static void pause_over(struct timer *timer)
{
	(void)timer;
	start();
}

/* When the output is in the log and, before a restart, the runtime has forgotten the container. */
static void go_on_after_process(void)
{
	if (life.phase != ENDING || !life.drained)
		return;
	if (strcmp(life.record.status, "restarting") != 0)
		return over();
	if (life.deleter)
		return;
	life.phase = PAUSING;
	if (life.stopped)
		return end_pause();
	clients_tell("restarting");
	control_say("restarting %d %d", life.record.exit_code, life.record.oom_killed);
	timer_set(&life.pause, life.restart.pause, pause_over);
}

/* The end in the journal, after the record: who hears of it finds the container ended. */
static void note_end(uint64_t lasted)
{
	char details[256];

	if (config_is_exec(life.config)) {
		snprintf(details, sizeof(details), "\"execID\":\"%s\",\"exitCode\":\"%d\"", life.config->id,
			 life.record.exit_code);
		return event_record(life.config, "exec_die", details);
	}
	snprintf(details, sizeof(details), "\"execDuration\":\"%llu\",\"exitCode\":\"%d\"",
		 (unsigned long long)lasted / 1000, life.record.exit_code);
	event_record(life.config, "die", details);
}

static void drained(void)
{
	uint64_t lasted = life.ended - life.since;
	bool again;

	if (output_refused() && life.record.exit_code == EXIT_FAILURE)
		life.record.exit_code = FAULT_REFUSED;
	again = !life.stopped && !config_is_exec(life.config) &&
		(life.again ? restart_anyway(&life.restart)
			    : restart_due(&life.restart, life.record.exit_code, lasted));
	life.again = false;
	life.drained = true;
	log_flush();
	life.record.status = again ? "restarting" : "exited";
	life.record.restart_count = life.restart.count;
	save();
	note_end(lasted);
	go_on_after_process();
}

static void ended(int status)
{
	life.phase = ENDING;
	life.process = 0;
	life.drained = false;
	life.ended = loop_now();
	timer_clear(&life.patience);
	bounds_end();
	health_end();
	clock_gettime(CLOCK_REALTIME, &life.record.finished);
	life.record.pid = 0;
	life.record.pid_start = 0;
	life.record.exit_code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	life.record.oom_killed = oom_ended(life.config);
	/* The command hears of the end before the runtime takes away the control group that was just read. */
	life.deleter = TO_COME;
	stdio_finish(drained);
	life_go_on();
	if (!delete ())
		go_on_after_process();
}

/* The pause before a restart ends with no restart. */
static void end_pause(void)
{
	timer_clear(&life.pause);
	life.record.status = "exited";
	save();
	over();
}

static void stop(void)
{
	life.stopped = true;
	life.record.stopped = true;
	/* Now, not with the end: whoever boots next must know even when nobody sees that end. */
	if (life.phase == RUNNING)
		save();
	else if (life.phase == PAUSING)
		end_pause();
}

static bool set_paused(bool paused)
{
	if (life.phase != RUNNING)
		return false;
	life.record.status = paused ? "paused" : "running";
	health_pause(paused);
	save();
	return true;
}

static bool set_policy(const char *name, long long most)
{
	return restart_policy(&life.restart, name, most);
}

/* --- the start --------------------------------------------------------------------------------------------------- */

/* A first start that failed leaves no state: the container is as before. A restart that failed is its end. */
static void failed(int status)
{
	life.phase = ENDING;
	life.drained = true;
	life.process = 0;
	if (life.ever_started) {
		life.record.status = "exited";
		life.record.exit_code = status == 125 ? UNKNOWN_FAULT : status;
		clock_gettime(CLOCK_REALTIME, &life.record.finished);
		snprintf(life.record.error, sizeof(life.record.error), "%s", life.error);
		save();
	} else {
		life.record.status = "exited";
		life.record.exit_code = status;
	}
	life.error_status = status;
	/* A runtime may have left half a container. */
	if (!delete ())
		go_on_after_process();
}

static void failed_to(const char *what)
{
	char said[16];

	snprintf(life.error, sizeof(life.error), "cannot %s: %s", what, strerror(errno));
	stdio_failed(said, sizeof(said));
	failed(125);
}

static void patience_over(struct timer *timer)
{
	(void)timer;
	if (life.phase == RUNNING)
		kill(life.process, SIGKILL);
}

/* As `stop` does it: who does not end keeps the system from going down. */
static void end_process(void)
{
	kill(life.process, (int)life.config->stop_signal);
	if (life.config->stop_timeout >= 0)
		timer_set(&life.patience, (uint64_t)life.config->stop_timeout, patience_over);
}

static void note_kill(long long signal)
{
	char details[32];

	snprintf(details, sizeof(details), "\"signal\":\"%lld\"", signal);
	event_record(life.config, "kill", details);
}

/* The health check has given the process up. */
static void end_unhealthy(bool at_once)
{
	stop();
	note_kill(at_once ? SIGKILL : life.config->stop_signal);
	if (at_once)
		kill(life.process, SIGKILL);
	else
		end_process();
}

static void restart_unhealthy(void)
{
	life.again = true;
	note_kill(life.config->stop_signal);
	end_process();
}

static const struct health_calls when_unhealthy = {.end = end_unhealthy, .restart = restart_unhealthy};

/* The runtime has ended well: whom did it start? */
static void runtime_done(void)
{
	const char *what;

	life.process = launch_process(life.config, &what);
	if (!life.process)
		return failed_to(what);
	life.phase = RUNNING;
	life.ever_started = true;
	bounds_begin(life.config, life.process);
	life.since = loop_now();
	life.record.status = "running";
	life.record.pid = life.process;
	life.record.pid_start = io_start_time(life.process);
	life.record.finished = (struct timespec){0};
	life.record.oom_killed = false;
	life.record.exit_code = 0;
	life.record.restart_count = life.restart.count;
	clock_gettime(CLOCK_REALTIME, &life.record.started);
	/* Before the container is known to run: who sees it run finds how it is. */
	health_begin(life.config, &when_unhealthy);
	save();
	if (!config_is_exec(life.config)) {
		event_record(life.config, "start", NULL);
		oom_watch(life.config);
	}
	control_say("started %d", life.process);
	if (life.terminate)
		end_process();
}

static void runtime_ended(int status)
{
	char said[1024];

	life.runtime = 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return runtime_done();
	stdio_failed(said, sizeof(said));
	failed(fault_read(life.config, said, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
			  life.error, sizeof(life.error)));
}

static void start(void)
{
	char what[512];

	life.phase = STARTING;
	oom_reset(life.config);
	life.runtime = launch_runtime(life.config, what, sizeof(what));
	if (life.runtime < 0)
		failed_to(what);
}

/* The end before any beginning. */
static void refuse(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(life.error, sizeof(life.error), format, arguments);
	va_end(arguments);
	life.error_status = 125;
	life.record.exit_code = 125;
	over();
}

/* --- what others do ---------------------------------------------------------------------------------------------- */

/* The next child that has ended; 0: none. */
static pid_t next_ended(int *status)
{
	const pid_t known[] = {check_runtime(), life.process, life.deleter};

	if (known[0] <= 0)
		return waitpid(-1, status, WNOHANG);
	/* A check's process may be our child, and at its end, before its runtime ends and so tells which one it is: the
	 * unknown wait until then. */
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (known[i] > 0 && waitpid(known[i], status, WNOHANG) == known[i])
			return known[i];
	return 0;
}

void life_reap(void)
{
	int status;
	pid_t pid;

	/* The runtime first: only its pid file tells which child is the container. */
	if (life.phase == STARTING) {
		if (waitpid(life.runtime, &status, WNOHANG) != life.runtime)
			return;
		runtime_ended(status);
	}
	while ((pid = next_ended(&status)) > 0) {
		if (pid == life.process && life.phase == RUNNING) {
			ended(status);
		} else if (check_reap(pid, status)) {
			continue;
		} else if (pid == life.deleter) {
			life.deleter = 0;
			go_on_after_process();
		} else {
			log_reap(pid);
			overflow_reap(pid);
		}
	}
}

void life_terminate(void)
{
	/* At shutdown everything gets SIGTERM, the container too. One that came back would be killed a minute later. */
	life.stopped = true;
	if (life.phase == RUNNING)
		end_process();
	else if (life.phase == STARTING)
		life.terminate = true;
	else if (life.phase == PAUSING)
		end_pause();
}

static void begin(void)
{
	if (life.phase == WAITING)
		start();
}

static const char *news_of_end(void)
{
	return life.phase == OVER ? life.news : NULL;
}

static const struct client_calls calls = {
	.attached = begin,
	.stop = stop,
	.pause = set_paused,
	.policy = set_policy,
	.action = health_set_action,
	.check = health_check_now,
	.ended = news_of_end,
};

static void command_left(void)
{
	life.command_left = true;
	stdio_let_go();
}

static void heard(enum control_event event)
{
	switch (event) {
	case COMMAND_GO:
		break;
	case COMMAND_DONE:
		/* Before the end there is nothing that it could have cleaned up. */
		life.command_done = life.phase == OVER;
		break;
	case COMMAND_STAY:
		command_left();
		control_say("detached");
		break;
	case COMMAND_GONE:
		command_left();
		break;
	}
	begin();
}

/* What must be there before the runtime is started. */
static bool prepare(const struct config *config)
{
	char problem[256];

	if (stdio_init(config) < 0)
		refuse("cannot take over the command's streams: %s", strerror(errno));
	else if (log_open(config) < 0)
		refuse("cannot open the log \"%s\": %s", config->log, strerror(errno));
	else if (!ports_open(config, problem, sizeof(problem)))
		refuse("%s", problem);
	else if (clients_open(config, &calls) < 0)
		refuse("cannot listen at \"%s\": %s", config->socket, strerror(errno));
	else if (record_register(config) < 0)
		refuse("cannot write \"%s\": %s", config->registration, strerror(errno));
	return life.phase != OVER;
}

void life_begin(const struct config *config)
{
	life.config = config;
	(void)restart_policy(&life.restart, config->restart ? config->restart : "no", config->restart_max);
	control_open(heard);
	if (!prepare(config))
		return;
	if (life.command_left)
		stdio_let_go();
	life.phase = WAITING;
	if (config->await_client && !life.command_left)
		control_say("ready");
	else
		begin();
}
