/*
 * What this monitor is to do: the file that the command wrote, lines of "key value".
 *
 * In values "\n" stands for a line's end and "\\" for a backslash. A key that comes again appends to its list where
 * it is a list, else the last one counts. Unknown keys and bad numbers are errors: the two sides are of one version.
 */
#ifndef WHERRY_MONITOR_CONFIG_H
#define WHERRY_MONITOR_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

enum { STREAM_IN = 1, STREAM_OUT = 2, STREAM_ERR = 4 };

/* Strings, with a NULL behind the last: fit for execv(). */
struct list {
	char **items;
	size_t count;
};

struct config {
	char *mode; /* run or exec */
	char *id;
	char *container_dir;
	char *state;
	char *boot_id;
	char *socket;
	char *registration;
	long long terminal;
	long long open_stdin;
	long long stdin_once;
	long long direct; /* STREAM_… */
	long long rows;
	long long columns;
	long long await_client;
	char *log;
	long long log_max_size; /* bytes; -1: never rotated */
	long long log_max_file;
	char *log_attributes;  /* a JSON object */
	char *log_driver;      /* json-file, k8s-file or journald, whose log is a socket */
	char *log_fields;      /* lines of NAME=value for the journal */
	char *log_compressor;  /* gzip, for files that are complete */
	long long untouched;   /* the process gets the command's own streams as they are */
	long long extra_files; /* so many descriptors behind CONTROL_FD are the process's from 3 on */
	long long timeout;     /* ms after which the process is killed; 0: never */
	char *own_pid_file;    /* a file of the user's that gets the process's pid at each start */
	char *restart;
	long long restart_max; /* 0: no limit */
	struct list runtime;
	struct list delete;
	struct list cleanup;
	char *console_flag;
	char *pid_file;
	char *runtime_log;
	char *oom_file;
	char *network; /* where containers are reached; absent: where the monitor is */
	struct list publish;
	struct list near;	/* ADDRESS/PREFIX of the container on its networks */
	long long transparent;	/* 1: containers see clients' addresses of IPv4, 2: of IPv6; 3: both */
	char *events;		/* the store's journal */
	char *event_attributes; /* the file of what each event tells of the container */
	char *event_id;		/* of an exec: its container's */
	long long stop_signal;	/* what ends the container when the system goes down */
	long long stop_timeout; /* ms until SIGKILL; negative: never */
	struct list health;	/* the runtime's words that add a check's process; none: no checks */
	char *health_record;	/* the file for what they tell */
	char *health_command;	/* as events tell it */
	char *health_pid_file;
	char *health_log;
	char *health_late;	   /* what is noted of a check that takes too long */
	long long health_interval; /* these in ms; none is 0 but the start period */
	long long health_timeout;
	long long health_start_period;
	long long health_start_interval;
	long long health_retries;
	char *health_action; /* what is done to an unhealthy one; absent: nothing */
};

/* Reads PATH; false with a sentence in PROBLEM. The strings live as long as the process. */
bool config_read(struct config *config, const char *path, char *problem, size_t size);

/* Is this a process added to a container, not the container's first? */
bool config_is_exec(const struct config *config);

#endif
