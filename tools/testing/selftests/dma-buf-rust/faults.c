// SPDX-License-Identifier: GPL-2.0
/*
 * fail-nth, and what the kernel's log says of a fault.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/klog.h>
#include <unistd.h>

#include "common.h"
#include "faults.h"

#define FAIL_NTH	"/proc/thread-self/fail-nth"
#define FAULTS		"/sys/kernel/debug/"
#define MAX_POINTS	8192
/* The stack is told as a warning would be: not on the console, which is slow. */
#define CONSOLE_LEVEL	8
#define ERRORS_ONLY	4
#define EVERYTHING	8

/*
 * By default faults spare what may sleep and what lies in high memory, which
 * is all that matters here; and every one would fill the log.
 */
static const struct {
	const char *path;
	/* NULL: how much is said of each */
	const char *value;
} knobs[] = {
	{ FAULTS "failslab/ignore-gfp-wait", "N" },
	{ FAULTS "failslab/cache-filter", "N" },
	{ FAULTS "failslab/verbose", NULL },
	{ FAULTS "fail_page_alloc/ignore-gfp-wait", "N" },
	{ FAULTS "fail_page_alloc/ignore-gfp-highmem", "N" },
	{ FAULTS "fail_page_alloc/min-order", "0" },
	{ FAULTS "fail_page_alloc/verbose", NULL },
	{ FAULTS "fail_usercopy/verbose", NULL },
};

static char saved[ARRAY_SIZE(knobs)][32];
static int fail_fd, log_fd, n_points;
static char *points[MAX_POINTS];
static bool was_copy;

bool faults_begin(bool stacks)
{
	const char *verbose = stacks ? "2" : "0";
	int n = 0;

	fail_fd = open(FAIL_NTH, O_RDWR | O_CLOEXEC);
	if (fail_fd < 0) {
		t_skip("no fail-nth: this kernel has no CONFIG_FAULT_INJECTION");
		return false;
	}
	for (size_t i = 0; i < ARRAY_SIZE(knobs); i++) {
		if (!read_file(knobs[i].path, saved[i], sizeof(saved[i])))
			saved[i][0] = '\0';
		else
			n += write_file(knobs[i].path, knobs[i].value ?: verbose);
	}
	/* Without them faults spare all that may sleep: nothing would fail. */
	if (!n) {
		faults_end();
		t_skip("no failslab in debugfs: needs CONFIG_FAULT_INJECTION_DEBUG_FS");
		return false;
	}
	if (!stacks)
		return true;
	if (n < (int)ARRAY_SIZE(knobs)) {
		faults_end();
		t_skip("no faults of user copies: CONFIG_FAULT_INJECTION_USERCOPY");
		return false;
	}
	klogctl(CONSOLE_LEVEL, NULL, ERRORS_ONLY);
	log_fd = log_open();
	return true;
}

void faults_end(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(knobs); i++)
		if (saved[i][0])
			write_file(knobs[i].path, saved[i]);
	if (log_fd > 0) {
		klogctl(CONSOLE_LEVEL, NULL, EVERYTHING);
		close(log_fd);
	}
	close(fail_fd);
}

/* No cache is marked for faults, and no page is of such an order. */
void faults_spare_allocations(bool spare)
{
	t_need(write_file(FAULTS "failslab/cache-filter", spare ? "Y" : "N"), "cache-filter");
	t_need(write_file(FAULTS "fail_page_alloc/min-order", spare ? "32" : "0"), "min-order");
}

void fault_arm(int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d", n);
	ssize_t done = pwrite(fail_fd, text, len, 0);

	/* what was armed before may hit this very copy, once */
	if (done < 0 && errno == EFAULT)
		done = pwrite(fail_fd, text, len, 0);
	t_need(done == len, FAIL_NTH);
}

/* The copy of what is read may be what fails: then it had not happened before. */
bool fault_disarm(void)
{
	char text[16] = "";
	ssize_t len = pread(fail_fd, text, sizeof(text) - 1, 0);

	if (len < 0 && errno == EFAULT)
		return false;
	t_need(len > 0, FAIL_NTH);
	fault_arm(0);
	return atoi(text) == 0;
}

static bool add_point(const char *name)
{
	for (int i = 0; i < n_points; i++)
		if (!strcmp(points[i], name))
			return false;
	if (n_points == MAX_POINTS)
		return false;
	points[n_points] = strdup(name);
	t_need(points[n_points], "strdup");
	n_points++;
	t_note("point %s", name);
	return true;
}

/* A line of a stack: " symbol+0xoffset/0xsize", after what the log puts before it. */
int fault_points(void)
{
	struct log_record record;
	bool ours = false;
	int n = 0;

	was_copy = false;
	while (log_next(log_fd, &record)) {
		char *text = strchr(record.text, ';'), symbol[640];
		unsigned long offset, size;

		if (!text++)
			continue;
		/* what was said before belongs to something else */
		if (strstr(text, "FAULT_INJECTION: forcing a failure"))
			ours = true;
		if (strstr(text, "name fail_usercopy"))
			was_copy = true;
		if (strstr(text, "WARNING:") || strstr(text, "BUG:"))
			t_ok(false, "the kernel says: %.80s", text);
		if (ours && sscanf(text, " %600[^+ ]+0x%lx/0x%lx", symbol, &offset, &size) == 3) {
			snprintf(symbol + strlen(symbol), 32, "+0x%lx", offset);
			n += add_point(symbol);
		}
	}
	return n;
}

bool fault_was_copy(void)
{
	return was_copy;
}

struct counts count_all(void)
{
	return (struct counts){
		.objects = count_objects(),
		.timelines = count_timelines(),
		.fds = count_fds(),
	};
}

bool nothing_left(const struct counts *before, const char *name, int fault)
{
	struct counts now = count_all();
	int objects = now.objects - before->objects;
	int timelines = now.timelines - before->timelines;
	int fds = now.fds - before->fds;

	if (!objects && !timelines && !fds)
		return true;
	t_note("%s: after fault %d: %d buffers, %d timelines, %d fds", name, fault,
	       objects, timelines, fds);
	return false;
}
