#define _GNU_SOURCE
#include "monitor/config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"

enum { USUAL_STOP_TIMEOUT = 10 * 1000 /* ms; Docker's */ };

enum kind { TEXT, NUMBER, LIST };

static const struct {
	const char *key;
	enum kind kind;
	size_t offset;
} KEYS[] = {
	{"mode", TEXT, offsetof(struct config, mode)},
	{"id", TEXT, offsetof(struct config, id)},
	{"container-dir", TEXT, offsetof(struct config, container_dir)},
	{"state", TEXT, offsetof(struct config, state)},
	{"boot-id", TEXT, offsetof(struct config, boot_id)},
	{"socket", TEXT, offsetof(struct config, socket)},
	{"register", TEXT, offsetof(struct config, registration)},
	{"terminal", NUMBER, offsetof(struct config, terminal)},
	{"stdin", NUMBER, offsetof(struct config, open_stdin)},
	{"stdin-once", NUMBER, offsetof(struct config, stdin_once)},
	{"direct", NUMBER, offsetof(struct config, direct)},
	{"rows", NUMBER, offsetof(struct config, rows)},
	{"cols", NUMBER, offsetof(struct config, columns)},
	{"await-client", NUMBER, offsetof(struct config, await_client)},
	{"log", TEXT, offsetof(struct config, log)},
	{"log-max-size", NUMBER, offsetof(struct config, log_max_size)},
	{"log-max-file", NUMBER, offsetof(struct config, log_max_file)},
	{"log-attrs", TEXT, offsetof(struct config, log_attributes)},
	{"log-driver", TEXT, offsetof(struct config, log_driver)},
	{"log-fields", TEXT, offsetof(struct config, log_fields)},
	{"log-compressor", TEXT, offsetof(struct config, log_compressor)},
	{"untouched", NUMBER, offsetof(struct config, untouched)},
	{"extra-files", NUMBER, offsetof(struct config, extra_files)},
	{"timeout", NUMBER, offsetof(struct config, timeout)},
	{"own-pid-file", TEXT, offsetof(struct config, own_pid_file)},
	{"restart", TEXT, offsetof(struct config, restart)},
	{"restart-max", NUMBER, offsetof(struct config, restart_max)},
	{"runtime", LIST, offsetof(struct config, runtime)},
	{"delete", LIST, offsetof(struct config, delete)},
	{"cleanup", LIST, offsetof(struct config, cleanup)},
	{"console-flag", TEXT, offsetof(struct config, console_flag)},
	{"pid-file", TEXT, offsetof(struct config, pid_file)},
	{"runtime-log", TEXT, offsetof(struct config, runtime_log)},
	{"oom-file", TEXT, offsetof(struct config, oom_file)},
	{"netns", TEXT, offsetof(struct config, network)},
	{"publish", LIST, offsetof(struct config, publish)},
	{"near", LIST, offsetof(struct config, near)},
	{"transparent", NUMBER, offsetof(struct config, transparent)},
	{"events", TEXT, offsetof(struct config, events)},
	{"event-attributes", TEXT, offsetof(struct config, event_attributes)},
	{"event-id", TEXT, offsetof(struct config, event_id)},
	{"stop-signal", NUMBER, offsetof(struct config, stop_signal)},
	{"stop-timeout", NUMBER, offsetof(struct config, stop_timeout)},
	{"health", LIST, offsetof(struct config, health)},
	{"health-record", TEXT, offsetof(struct config, health_record)},
	{"health-command", TEXT, offsetof(struct config, health_command)},
	{"health-pid-file", TEXT, offsetof(struct config, health_pid_file)},
	{"health-log", TEXT, offsetof(struct config, health_log)},
	{"health-late", TEXT, offsetof(struct config, health_late)},
	{"health-interval", NUMBER, offsetof(struct config, health_interval)},
	{"health-timeout", NUMBER, offsetof(struct config, health_timeout)},
	{"health-start-period", NUMBER, offsetof(struct config, health_start_period)},
	{"health-start-interval", NUMBER, offsetof(struct config, health_start_interval)},
	{"health-retries", NUMBER, offsetof(struct config, health_retries)},
	{"health-action", TEXT, offsetof(struct config, health_action)},
};

static void unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++) {
		if (*from == '\\' && from[1]) {
			from++;
			*to++ = *from == 'n' ? '\n' : *from;
		} else {
			*to++ = *from;
		}
	}
	*to = '\0';
}

/* The analyzer loses sight of the list, which is found by its offset. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
static bool append(struct list *list, char *item)
{
	/* Grown at each power of two from four on. */
	if (list->count == 0 || (list->count >= 3 && ((list->count + 1) & list->count) == 0)) {
		size_t room = list->count == 0 ? 4 : (list->count + 1) * 2;
		char **grown = realloc(list->items, room * sizeof(*grown));

		if (!grown)
			return false;
		list->items = grown;
	}
	list->items[list->count++] = item;
	list->items[list->count] = NULL;
	return true;
}

#pragma GCC diagnostic pop

static bool parse_number(const char *text, long long *number)
{
	char *end;

	errno = 0;
	*number = strtoll(text, &end, 10);
	return errno == 0 && end != text && *end == '\0';
}

static bool set(struct config *config, const char *key, char *value)
{
	for (size_t i = 0; i < sizeof(KEYS) / sizeof(*KEYS); i++) {
		void *place = (char *)config + KEYS[i].offset;

		if (strcmp(KEYS[i].key, key) != 0)
			continue;
		unescape(value);
		if (KEYS[i].kind == NUMBER)
			return parse_number(value, place);
		if (KEYS[i].kind == LIST)
			return append(place, value);
		*(char **)place = value;
		return true;
	}
	return false;
}

bool config_is_exec(const struct config *config)
{
	return strcmp(config->mode, "exec") == 0;
}

static const char *missing_health_key(const struct config *config)
{
	if (!config->health_record)
		return "health-record";
	if (!config->health_pid_file)
		return "health-pid-file";
	if (!config->health_log)
		return "health-log";
	if (!config->health_late)
		return "health-late";
	if (config->health_interval <= 0)
		return "health-interval";
	if (config->health_timeout <= 0)
		return "health-timeout";
	if (config->health_start_period < 0)
		return "health-start-period";
	if (config->health_start_interval <= 0)
		return "health-start-interval";
	return config->health_retries <= 0 ? "health-retries" : NULL;
}

static const char *missing_key(const struct config *config)
{
	if (!config->mode || (strcmp(config->mode, "run") != 0 && strcmp(config->mode, "exec") != 0))
		return "mode";
	if (!config->id)
		return "id";
	if (config->runtime.count == 0)
		return "runtime";
	if (!config->pid_file)
		return "pid-file";
	if (!config_is_exec(config) && !config->state)
		return "state";
	if (config->terminal && !config->socket)
		return "socket";
	if (config->health.count > 0)
		return missing_health_key(config);
	return NULL;
}

bool config_read(struct config *config, const char *path, char *problem, size_t size)
{
	const char *missing;
	char *text, *line;

	*config = (struct config){
		.log_max_size = -1, .log_max_file = 1, .stop_signal = SIGTERM, .stop_timeout = USUAL_STOP_TIMEOUT};
	text = io_read_file(AT_FDCWD, path, NULL);
	if (!text) {
		snprintf(problem, size, "cannot read \"%s\": %s", path, strerror(errno));
		return false;
	}
	while ((line = strsep(&text, "\n"))) {
		char *value = strchr(line, ' ');

		if (!*line)
			continue;
		if (value)
			*value++ = '\0';
		if (!value || !set(config, line, value)) {
			snprintf(problem, size, "cannot use \"%s\": bad line \"%s%s%s\"", path, line, value ? " " : "",
				 value ? value : "");
			return false;
		}
	}
	missing = missing_key(config);
	if (missing)
		snprintf(problem, size, "cannot use \"%s\": no valid \"%s\"", path, missing);
	return !missing;
}
