// SPDX-License-Identifier: GPL-2.0
/*
 * Descriptors that go from one process to another by a socket.
 */
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "fd_socket.h"

/* A byte has to go with it. */
struct letter {
	struct msghdr msg;
	struct iovec iov;
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
};

static void letter_init(struct letter *l)
{
	memset(l, 0, sizeof(*l));
	l->iov.iov_base = &l->byte;
	l->iov.iov_len = sizeof(l->byte);
	l->msg.msg_iov = &l->iov;
	l->msg.msg_iovlen = 1;
	l->msg.msg_control = &l->control;
	l->msg.msg_controllen = sizeof(l->control.space);
}

ssize_t send_fd(int sock, int fd)
{
	struct letter l;

	letter_init(&l);
	l.control.header.cmsg_len = CMSG_LEN(sizeof(fd));
	l.control.header.cmsg_level = SOL_SOCKET;
	l.control.header.cmsg_type = SCM_RIGHTS;
	memcpy(CMSG_DATA(&l.control.header), &fd, sizeof(fd));
	return sendmsg(sock, &l.msg, MSG_DONTWAIT);
}

ssize_t receive_fd(int sock, int *fd)
{
	struct cmsghdr *head;
	struct letter l;
	ssize_t ret;

	*fd = -1;
	letter_init(&l);
	ret = recvmsg(sock, &l.msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	head = ret < 0 ? NULL : CMSG_FIRSTHDR(&l.msg);
	if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(head), sizeof(*fd));
	return ret;
}
