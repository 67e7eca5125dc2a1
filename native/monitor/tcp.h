/* Connections to published ports. */
#ifndef WHERRY_MONITOR_TCP_H
#define WHERRY_MONITOR_TCP_H

#include <stddef.h>

#include "monitor/port.h"

/* Serves a listening socket. */
void tcp_listen(struct port *port, int fd);

/* How many connections are there? */
size_t tcp_links(void);

/* In a copy of this process: those that there were are not ours, and their descriptors are closed. */
void tcp_renew(void);

#endif
