/*
 * The way from a monitor to its container: a socket in the user's network that is bound to the client's own address, so
 * that the container sees who asks. What the container answers to it is led back by the network's rules.
 *
 * The gateway's address stands in for clients that the container could not answer: those of the host's loopback, those
 * whose address is of a network that the container is on itself, and those of the other version of IP.
 */
#ifndef WHERRY_MONITOR_DIAL_H
#define WHERRY_MONITOR_DIAL_H

#include <stdbool.h>

#include "monitor/config.h"
#include "monitor/port.h"

/* Reads what CONFIG says of clients. false when one of its subnets is none. */
bool dial_prepare(const struct config *config);

/* The container is on no subnet by now, and on one more ("172.17.0.2/16"); false when that is none. */
void dial_forget_near(void);
bool dial_add_near(const char *subnet);

/* A socket for CLIENT that is, or is being, connected to PORT in the container. -1 with errno. */
int dial(const struct port *port, const union address *client);

bool is_loopback(const union address *address);

/* Reads a numeric address of either version into ADDRESS, with this port. */
bool address_parse(const char *text, long port, union address *address);

#endif
