// SPDX-License-Identifier: GPL-2.0
/*
 * The fuzzer's calls to descriptors of any kind: what every file can be asked.
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/dma-buf.h>

#include "fd_socket.h"
#include "fuzz.h"

static const short events[] = {
	POLLIN, POLLOUT, POLLIN | POLLOUT, POLLPRI, 0, 0x7fff, POLLIN | POLLERR,
};

static void file_poll(struct run *r, const __u8 *a)
{
	struct pollfd p = {
		.fd = any_slot(r, a[0])->fd,
		.events = PICK(events, a[1]),
	};

	r->world->polled = true;
	said(r, poll(&p, 1, 0));
	say(r, ",%x", p.revents);
}

/* Of two at once, one of them a buffer */
static void buf_poll(struct run *r, const __u8 *a)
{
	struct pollfd p[2] = {
		{ .fd = fd_of(r, BUF, a[0]), .events = PICK(events, a[1]) },
		{ .fd = fd_of(r, a[3] & 1 ? BUF : FENCE, a[2]), .events = PICK(events, a[4]) },
	};

	r->world->polled = true;
	said(r, poll(p, 2, 0));
	say(r, ",%x,%x", p[0].revents, p[1].revents);
}

static void epoll_change(struct run *r, const __u8 *a)
{
	static const int ops[] = { EPOLL_CTL_ADD, EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLL_CTL_DEL };
	static const __u32 modes[] = { 0, EPOLLET, EPOLLONESHOT, EPOLLEXCLUSIVE };
	__u32 mode = PICK(modes, a[3]);
	struct epoll_event e = {
		.events = PICK(events, a[2]) | mode,
		.data.u32 = a[4],
	};
	int epoll = fd_of(r, EPOLL, a[0]);
	int fd = SELDOM(a[5]) ? any_slot(r, a[1])->fd :
		 fd_of(r, a[5] & 1 ? FENCE : BUF, a[1]);

	/* in C each poll of a buffer that is ready is another edge */
	if (!r->world->racing && mode == EPOLLET)
		e.events &= ~EPOLLET;
	r->world->polled = true;
	said(r, epoll_ctl(epoll, PICK(ops, a[4]), fd, &e));
}

static void epoll_look(struct run *r, const __u8 *a)
{
	struct epoll_event e[8];
	int n = epoll_wait(fd_of(r, EPOLL, a[0]), e, 8, 0);
	__u32 all = 0;

	/* in which order is not promised */
	said(r, n);
	for (int i = 0; i < n; i++)
		all |= e[i].events;
	if (n > 0)
		say(r, ",%x", all);
}

static void file_dup(struct run *r, const __u8 *a)
{
	struct slot *s = any_slot(r, a[0]);

	got_fd(r, s->kind < GEM ? s->kind : NOTHING,
	       a[1] & 1 ? fcntl(s->fd, F_DUPFD_CLOEXEC, 0) : dup(s->fd));
}

static void file_close(struct run *r, const __u8 *a)
{
	struct slot *s = any_slot(r, a[0]);

	if (s->kind == NOTHING || s->kind >= GEM) {
		say(r, "=none");
		return;
	}
	if (s->kind == LINE)
		line_end(r->world, s->fd);
	said(r, close(s->fd));
	drop_slot(s);
}

/* Several, from one on, as a child that dies does */
static void file_close_some(struct run *r, const __u8 *a)
{
	unsigned int first = a[0], last = first + (a[1] & 15);

	for (; first <= last && first < r->world->n; first++) {
		const __u8 one[ARGS] = { first };

		file_close(r, one);
	}
}

/* To the other end of a socket and back, or left there when the program ends */
static void file_pass(struct run *r, const __u8 *a)
{
	struct slot *s = any_slot(r, a[0]);
	int pair[2], fd;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) {
		said(r, -1);
		return;
	}
	if (said(r, send_fd(pair[0], s->fd)) == 1 && a[1] & 1 &&
	    said(r, receive_fd(pair[1], &fd)) == 1 && fd >= 0)
		got_fd(r, s->kind < GEM ? s->kind : NOTHING, fd);
	close(pair[0]);
	if (a[1] & 2)
		put_slot(r, SOCKET, pair[1]);
	else
		close(pair[1]);
}

/* By the name that /proc has for it */
static void file_reopen(struct run *r, const __u8 *a)
{
	static const int flags[] = { O_PATH, O_RDWR, O_RDONLY, O_RDWR | O_TRUNC };
	struct slot *s = any_slot(r, a[0]);
	int how = PICK(flags, a[1]) | O_CLOEXEC | O_NONBLOCK;
	char name[32];

	snprintf(name, sizeof(name), "/proc/self/fd/%d", s->fd);
	got_fd(r, how & O_PATH ? PATH : s->kind < GEM ? s->kind : NOTHING, open(name, how));
}

/* What a descriptor that is only a name lets be done */
static void path_use(struct run *r, const __u8 *a)
{
	struct dma_buf_sync sync = { .flags = DMA_BUF_SYNC_READ };
	struct pollfd p = { .events = POLLIN };
	int fd = fd_of(r, PATH, a[0]);
	void *at;

	p.fd = fd;
	said(r, ioctl(fd, DMA_BUF_IOCTL_SYNC, &sync));
	said(r, poll(&p, 1, 0));
	say(r, ",%x", p.revents);
	/* it may be another descriptor after all */
	at = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		said(r, -1);
	else
		munmap(at, 4096);
}

static void file_seek(struct run *r, const __u8 *a)
{
	static const off_t to[] = { 0, 1, 4096, -1, 1LL << 40, INT64_MIN };
	struct slot *s = SELDOM(a[3]) ? any_slot(r, a[0]) : slot_of(r, BUF, a[0]);

	said(r, lseek(s->fd, PICK(to, SELDOM(a[1]) ? a[1] : 0), a[2] % 6));
}

static void file_stat(struct run *r, const __u8 *a)
{
	struct slot *s = any_slot(r, a[0]);
	struct stat st;

	if (said(r, fstat(s->fd, &st)))
		return;
	/* which programs ran before, on that kernel, and what they have made of it */
	if (s->kind == HEAP || s->kind == LINE || (s->kind >= UDMABUF && s->kind <= CAMERA))
		say(r, ",%o", st.st_mode & S_IFMT);
	else
		say(r, ",%o,%lld,%lld,%ld", st.st_mode, (long long)st.st_size,
		    (long long)st.st_blocks, (long)st.st_blksize);
}

/* Lines of what the kernel tells of a descriptor; numbers of inodes differ. */
static void file_info(struct run *r, const __u8 *a)
{
	struct slot *s = SELDOM(a[1]) ? any_slot(r, a[0]) : slot_of(r, BUF, a[0]);
	char name[40], text[2048], *line, *rest = text;
	ssize_t len;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", s->fd);
	len = readlink(name, text, sizeof(text));
	if (len > 0)
		say_masked(r, text, len);
	snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", s->fd);
	if (!read_file(name, text, sizeof(text))) {
		said(r, -1);
		return;
	}
	while ((line = strsep(&rest, "\n"))) {
		if (strstr(line, "ino:") || strstr(line, "mnt_id:") || strstr(line, "tfd:"))
			continue;
		/* what DRM counts, and how it numbers its clients */
		if (!strncmp(line, "drm-", 4))
			continue;
		for (char *p = line; *p; p++)
			say(r, "%c", *p == '\t' || *p == ' ' || *p == ';' ? '_' : *p);
		say(r, "|");
	}
}

static void file_control(struct run *r, const __u8 *a)
{
	struct slot *s = any_slot(r, a[0]);
	char byte = 0;

	switch (a[1] % 12) {
	case 0:
		said(r, fcntl(s->fd, F_GETFL));
		break;
	case 1:
		said(r, fcntl(s->fd, F_SETFL, a[2] & 1 ? O_NONBLOCK : 0));
		break;
	case 2:
		said(r, fcntl(s->fd, F_SETFL, O_ASYNC));
		break;
	case 3:
		said(r, fcntl(s->fd, F_GETFD));
		break;
	case 4:
		said(r, fcntl(s->fd, F_ADD_SEALS, a[2] & 31));
		break;
	case 5:
		said(r, fcntl(s->fd, F_SETLEASE, F_WRLCK));
		break;
	case 6:
		said(r, ftruncate(s->fd, a[2] * 1024));
		break;
	case 7:
		said(r, fallocate(s->fd, a[2] & 3, 0, 4096));
		break;
	case 8:
		said(r, fsync(s->fd));
		break;
	case 9:
		/* the others would wait */
		if (s->kind >= HEAP && s->kind <= UDMABUF)
			said(r, read(s->fd, &byte, 1));
		break;
	case 10:
		if (s->kind >= HEAP && s->kind <= UDMABUF)
			said(r, write(s->fd, &byte, 1));
		break;
	case 11:
		said(r, fchmod(s->fd, 0600));
		break;
	}
}

/* As many descriptors more as a[0] says, until the program ends */
static void file_limit(struct run *r, const __u8 *a)
{
	int next = dup(0);
	struct rlimit limit;

	/* threads would take those of each other */
	if (r->world->racing || next < 0 || getrlimit(RLIMIT_NOFILE, &limit)) {
		say(r, "=no");
	} else {
		limit.rlim_cur = next + a[0] % 3;
		r->world->limited = true;
		said(r, setrlimit(RLIMIT_NOFILE, &limit));
	}
	if (next >= 0)
		close(next);
}

/* A child uses what it has inherited, and dies with it. */
static void file_fork(struct run *r, const __u8 *a)
{
	struct slot *s = any_slot(r, a[0]), *m = slot_of(r, MAPPING, a[2]);
	struct dma_buf_sync sync = { .flags = DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW };
	struct pollfd p = { .fd = s->fd, .events = POLLIN | POLLOUT };
	int status = 0;
	pid_t child;
	char value;

	if (r->world->racing)
		return;
	r->world->polled = true;
	child = fork();
	if (child < 0) {
		said(r, -1);
		return;
	}
	if (!child) {
		alarm(20);
		switch (a[1] & 3) {
		case 0:
			_exit(poll(&p, 1, 0) + p.revents);
		case 1:
			_exit(ioctl(s->fd, DMA_BUF_IOCTL_SYNC, &sync) ? errno : 0);
		case 2:
			_exit(m->kind == MAPPING && m->map ? touch(m->map, a[3] & 1, &value) : 2);
		default:
			_exit(close(s->fd) ? errno : 0);
		}
	}
	if (waitpid(child, &status, 0) == child)
		say(r, "=%x", status);
}

const struct op file_ops[] = {
	{ "poll", file_poll }, { "buf_poll", buf_poll },
	{ "epoll_change", epoll_change }, { "epoll_look", epoll_look },
	{ "dup", file_dup }, { "close", file_close },
	{ "close_some", file_close_some }, { "pass", file_pass },
	{ "reopen", file_reopen }, { "path_use", path_use },
	{ "seek", file_seek }, { "stat", file_stat }, { "fdinfo", file_info },
	{ "control", file_control }, { "limit", file_limit },
	{ "fork", file_fork },
	{ }
};
