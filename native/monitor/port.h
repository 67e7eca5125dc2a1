/* What the two protocols of published ports share. */
#ifndef WHERRY_MONITOR_PORT_H
#define WHERRY_MONITOR_PORT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "monitor/loop.h"

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

socklen_t address_size(const union address *address);

/* One published port; lives as long as the process. */
struct port {
	struct watch watch;
	int type; /* SOCK_STREAM or SOCK_DGRAM */
	union address from, to;
	bool closed; /* the container is on no network that leads to it */
	struct timer again;
};

/* Serves a bound socket; -1 with errno. */
int udp_listen(struct port *port, int fd);

#endif
