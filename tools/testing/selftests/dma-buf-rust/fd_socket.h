/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Descriptors that go from one process to another by a socket (SCM_RIGHTS).
 */
#ifndef DMA_BUF_RUST_FD_SOCKET_H
#define DMA_BUF_RUST_FD_SOCKET_H

#include <sys/types.h>

/* Neither waits; both return what sendmsg() or recvmsg() does: 1, or -1 with errno. */
ssize_t send_fd(int sock, int fd);
/* *fd is -1 if none has come. */
ssize_t receive_fd(int sock, int *fd);

#endif
