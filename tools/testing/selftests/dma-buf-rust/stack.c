// SPDX-License-Identifier: GPL-2.0
/* What calls take of the kernel's stack, as the module call_stack measures it. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/param.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common.h"
#include "modules.h"
#include "stack.h"

#define PARAMETERS	"/sys/module/call_stack/parameters/"
/* More stack than this counts, beside what has other reasons */
#define SLACK		256

bool stack_measured;

void stack_begin(const char *path)
{
	stack_measured = t_load_module(path, "call_stack");
}

void stack_end(void)
{
	if (stack_measured)
		t_ok(!module_unload("call_stack"), "unload call_stack");
}

/* Has the module do something; returns what that returned. */
static int ask(const char *text)
{
	int fd = open(PARAMETERS "call", O_WRONLY | O_CLOEXEC), ret, err;

	t_need(fd >= 0, PARAMETERS "call");
	ret = write(fd, text, strlen(text));
	err = errno;
	close(fd);
	errno = err;
	return ret < 0 ? -1 : 0;
}

/* How many bytes of stack that took */
static int bytes(void)
{
	char text[32];

	t_need(read_file(PARAMETERS "depth", text, sizeof(text)), PARAMETERS "depth");
	return atoi(text);
}

void stack_forget(struct stack_use *uses, int n)
{
	for (int i = 0; i < n; i++)
		uses[i].least = INT_MAX;
}

/* "ioctl", "close" or "poll" */
static int call(struct stack_use *use, const char *how, int fd, unsigned long command,
		const void *arg)
{
	char text[96];
	int ret, err;

	if (!stack_measured) {
		if (!strcmp(how, "ioctl"))
			return ioctl(fd, command, arg);
		if (!strcmp(how, "close"))
			return close(fd);
		poll_now(fd, POLLIN | POLLOUT);
		return 0;
	}
	snprintf(text, sizeof(text), "%s %d %lu %lu", how, fd, command, (unsigned long)arg);
	ret = ask(text);
	err = errno;
	use->least = MIN(use->least, bytes());
	errno = err;
	return ret;
}

int stack_try_ioctl(struct stack_use *use, int fd, unsigned long command, const void *arg)
{
	return call(use, "ioctl", fd, command, arg);
}

void stack_ioctl(struct stack_use *use, int fd, unsigned long command, const void *arg)
{
	t_need(!stack_try_ioctl(use, fd, command, arg), use->name);
}

void stack_poll(struct stack_use *use, int fd)
{
	t_need(!call(use, "poll", fd, 0, NULL), use->name);
}

void stack_close(struct stack_use *use, int fd)
{
	t_need(!call(use, "close", fd, 0, NULL), use->name);
}

static void one_cpu(void)
{
	cpu_set_t first;

	CPU_ZERO(&first);
	CPU_SET(0, &first);
	t_need(!sched_setaffinity(0, sizeof(first), &first), "sched_setaffinity");
}

/*
 * How much deeper what takes long goes, or needs much memory: while it runs there
 * are interrupts, others get the CPU, and the allocator runs dry.
 */
static int other_reasons(void)
{
	int status, interrupt, memory;
	pid_t child;

	one_cpu();
	child = fork();
	t_need(child >= 0, "fork");
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			;
	}
	t_need(!ask("spin 400"), "spin");
	interrupt = bytes();
	kill(child, SIGKILL);
	t_need(waitpid(child, &status, 0) == child, "waitpid");
	t_need(!ask("allocate 65536"), "allocate");
	memory = bytes();
	t_note("an interrupt takes %d bytes, the allocator %d", interrupt, memory);
	return interrupt + memory;
}

/* 32 bits have stacks of 8 KiB. */
int stack_recursion(void)
{
	char text[32];
	int flat, more;

	t_need(!ask("recurse 2"), "recurse");
	flat = bytes();
	snprintf(text, sizeof(text), "recurse %d", has_64_bits() ? 200 : 150);
	t_need(!ask(text), "recurse");
	more = bytes() - flat;
	t_note("a recursion takes %d bytes more", more);
	return more;
}

int stack_most(void)
{
	return other_reasons() + SLACK;
}
