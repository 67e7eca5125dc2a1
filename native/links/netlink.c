#define _GNU_SOURCE
#include "links/netlink.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "base/scoped.h"

int netlink_open(void)
{
	const int on = 1;
	scoped_fd fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0)
		return -1;
	/* Words beside the number of an error: kernels before 4.12 have none. */
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	return scoped_take_fd(&fd);
}

/* NLMSGERR_ATTR_MSG among the attributes at AT. */
static void read_text(const char *at, size_t size, char *text)
{
	struct nlattr attribute;

	while (size >= sizeof(attribute)) {
		memcpy(&attribute, at, sizeof(attribute));
		if (attribute.nla_len < sizeof(attribute) || attribute.nla_len > size)
			return;
		if ((attribute.nla_type & NLA_TYPE_MASK) == NLMSGERR_ATTR_MSG) {
			size_t length = attribute.nla_len - sizeof(attribute);

			if (length >= NETLINK_TEXT)
				length = NETLINK_TEXT - 1;
			memcpy(text, at + sizeof(attribute), length);
			text[length] = '\0';
			return;
		}
		size_t step = (attribute.nla_len + (size_t)NLA_ALIGNTO - 1) & ~((size_t)NLA_ALIGNTO - 1);

		if (step > size)
			return;
		at += step;
		size -= step;
	}
}

/* What an answer says: 0, or the number of an error. */
static int read_answer(const char *answer, size_t size, char *text)
{
	struct nlmsghdr header;
	struct nlmsgerr error;

	if (size < sizeof(header) + sizeof(error))
		return EBADMSG;
	memcpy(&header, answer, sizeof(header));
	memcpy(&error, answer + sizeof(header), sizeof(error));
	if (header.nlmsg_type != NLMSG_ERROR || header.nlmsg_len > size)
		return EBADMSG;
	/* With NETLINK_CAP_ACK the request does not come back. */
	if (error.error != 0 && header.nlmsg_flags & NLM_F_CAPPED && header.nlmsg_flags & NLM_F_ACK_TLVS)
		read_text(answer + sizeof(header) + sizeof(error), header.nlmsg_len - sizeof(header) - sizeof(error),
			  text);
	return -error.error;
}

/* The kernel says nothing to a request that is shorter than it says, or that wants no answer: one would wait for ever.
 */
static bool is_whole(const void *request, size_t size)
{
	struct nlmsghdr header;

	if (size < sizeof(header))
		return false;
	memcpy(&header, request, sizeof(header));
	return header.nlmsg_len == size && header.nlmsg_flags & NLM_F_REQUEST && header.nlmsg_flags & NLM_F_ACK;
}

int netlink_ask(int socket, const void *request, size_t size, char *text)
{
	char answer[NETLINK_MOST + NETLINK_TEXT];
	ssize_t got;

	*text = '\0';
	if (!is_whole(request, size)) {
		errno = EINVAL;
		return -1;
	}
	if (send(socket, request, size, 0) < 0)
		return -1;
	do
		got = recv(socket, answer, sizeof(answer), 0);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -1;
	int error = read_answer(answer, (size_t)got, text);

	if (error == 0)
		return 0;
	errno = error;
	return -1;
}
