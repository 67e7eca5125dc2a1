#define _GNU_SOURCE
#include "monitor/health.h"

#include <stdio.h>
#include <string.h>

#include "monitor/check.h"
#include "monitor/clients.h"
#include "monitor/event.h"
#include "monitor/healthfile.h"
#include "monitor/loop.h"

enum { TRY_AGAIN = 100 /* ms */ };

enum action { NONE, KILL, RESTART, STOP };

static const char *const ACTIONS[] = {[NONE] = "none", [KILL] = "kill", [RESTART] = "restart", [STOP] = "stop"};

static struct {
	const struct config *config;
	const struct health_calls *calls;
	enum action action;
	bool action_known; /* the configuration's, or one that was set since */
	bool given_up;	   /* the process is being ended: no more checks */
	struct health_state state;
	bool on;	    /* the container runs and isn't paused */
	bool awaits;	    /* a check's result */
	uint64_t began;	    /* ms; the container */
	uint64_t asked;	    /* ms; the latest check's begin */
	struct timer timer; /* the next check */
} health;

static void ring(struct timer *timer);

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
	if (strcmp(health.state.status, HEALTH_STARTING) == 0 && in_start_period(health.asked))
		return;
	if (++health.state.streak >= health.config->health_retries)
		health.state.status = HEALTH_BAD;
}

bool health_set_action(const char *action)
{
	for (size_t i = 0; i < sizeof(ACTIONS) / sizeof(*ACTIONS); i++) {
		if (strcmp(action, ACTIONS[i]) != 0)
			continue;
		health.action = (enum action)i;
		health.action_known = true;
		return true;
	}
	return false;
}

static void act(void)
{
	if (health.action == NONE || health.given_up || strcmp(health.state.status, HEALTH_BAD) != 0)
		return;
	health.given_up = true;
	if (health.action == RESTART)
		health.calls->restart();
	else
		health.calls->end(health.action == KILL);
}

static void finished(const struct health_result *result)
{
	const char *former = health.state.status;
	char news[64];

	health.awaits = false;
	judge(result->exit_code);
	save(result);
	note_status(former);
	snprintf(news, sizeof(news), "checked %d %s", result->exit_code, health.state.status);
	clients_checked(news);
	act();
	if (!health.given_up)
		timer_set(&health.timer, pause_before_next(), ring);
}

/* --- when there is a check --------------------------------------------------------------------------------------- */

static void begin(void)
{
	timer_clear(&health.timer);
	health.awaits = true;
	health.asked = loop_now();
	check_begin(health.config, finished);
}

static void ring(struct timer *timer)
{
	/* One of before a restart or a pause may not be gone yet. */
	if (check_busy())
		timer_set(timer, TRY_AGAIN, ring);
	else
		begin();
}

void health_begin(const struct config *config, const struct health_calls *calls)
{
	if (config->health.count == 0)
		return;
	if (!health.action_known && config->health_action)
		(void)health_set_action(config->health_action);
	health.config = config;
	health.calls = calls;
	health.given_up = false;
	health.began = loop_now();
	health.state = (struct health_state){.status = HEALTH_STARTING};
	health.on = true;
	save(NULL);
	timer_set(&health.timer, pause_before_next(), ring);
}

static void stop(void)
{
	timer_clear(&health.timer);
	check_abandon();
	health.awaits = false;
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
	if (!health.config || !health.on || health.given_up)
		return false;
	if (health.awaits)
		return true;
	if (check_busy())
		return false;
	begin();
	return true;
}
