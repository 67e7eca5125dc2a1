/*
 * Requests to the kernel's networks (rtnetlink(7)), one at a time, each with its answer.
 *
 * What a request says is not looked at here: it comes as bytes, and only the numbers of interfaces are put into it, as
 * nobody knows them before.
 */
#ifndef WHERRY_LINKS_NETLINK_H
#define WHERRY_LINKS_NETLINK_H

#include <stddef.h>

enum { NETLINK_MOST = 4096, NETLINK_TEXT = 256 };

/* Requests of the network namespace that this process is in now; a close-on-exec descriptor, or -1 with errno. */
int netlink_open(void);

/*
 * Sends one request of SIZE bytes, which has a whole header, and waits for the answer. 0, or -1 with errno and in TEXT
 * (NETLINK_TEXT bytes) what the kernel says besides, which may be nothing.
 */
int netlink_ask(int socket, const void *request, size_t size, char *text);

#endif
