/*
 * Published ports: connections and datagrams that come to the host's addresses are passed on to the container.
 *
 * The listeners belong to the network that the monitor was started in; then it enters the user's own network, from
 * where it reaches the containers. Both protocols, both families on either side.
 */
#ifndef WHERRY_MONITOR_PORTS_H
#define WHERRY_MONITOR_PORTS_H

#include <stdbool.h>
#include <stddef.h>

#include "monitor/config.h"

/*
 * Listens at all that CONFIG publishes and enters its network namespace. false with a sentence in PROBLEM; for an
 * address that can't be had "bind PROTOCOL ADDRESS PORT ERRNO" (bind tcp 0.0.0.0 80 EADDRINUSE).
 */
bool ports_open(const struct config *config, char *problem, size_t size);

/*
 * The container has joined or left a network: the addresses that all ports lead to from now on, at most one of each
 * version; none: they lead nowhere. The subnets are to be told anew (dial_add_near()). false when TEXT is something
 * else.
 */
bool ports_lead(const char *text);

/* Listens no more: the container has ended for good. */
void ports_close(void);

#endif
