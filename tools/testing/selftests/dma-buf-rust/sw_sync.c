// SPDX-License-Identifier: GPL-2.0
/*
 * sw_sync: timelines and fences that user space signals, what it must refuse,
 * and what sync/info tells.
 */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include <linux/sync_file.h>

#include "common.h"

#define TASK		"sw_sync test"
/* "softlockup occurred": user space can hang drivers with these fences. */
#define TAINT_SOFTLOCKUP	0x4000

static void test_arguments(void)
{
	const unsigned long wrong[] = {
		_IOWR('W', 3, __u32),
		_IOWR('W', 255, __u32),
		_IOW('W', 0, struct sw_sync_create),
		_IOWR('W', 1, __u32),
		_IOW('W', 1, __u64),
		_IOWR('V', 0, struct sw_sync_create),
		0x5401,
	};
	static const size_t inside[] = { 1, 4, 36, 39 };
	struct sw_sync_create create = { .value = 1, .fence = 77 };
	int line, fence, files, failed = 0;
	__u32 one = 1;
	struct group g;
	char arg[64] = "";
	void *p;

	group_begin(&g, "arguments");
	line = timeline_open();
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		t_err(ioctl(line, wrong[i], arg), ENOTTY, "%#lx", wrong[i]);
	t_err(ioctl(line, SW_SYNC_CREATE, NULL), EFAULT, "CREATE, NULL");
	t_err(ioctl(line, SW_SYNC_CREATE, ptr_unmapped()), EFAULT,
	      "CREATE, unmapped");
	for (size_t i = 0; i < ARRAY_SIZE(inside); i++) {
		p = ptr_straddle(&create, sizeof(create), inside[i]);
		t_err(ioctl(line, SW_SYNC_CREATE, p), EFAULT,
		      "CREATE, only %zu bytes can be reached", inside[i]);
		ptr_free(p);
	}
	p = ptr_readonly(&create, sizeof(create));
	files = count_files();
	for (int i = 0; i < LEAK_ROUNDS; i++)
		failed += ioctl(line, SW_SYNC_CREATE, p) < 0 && errno == EFAULT;
	ptr_free(p);
	t_ok(failed == LEAK_ROUNDS, "CREATE, read-only, %d times: %s",
	     LEAK_ROUNDS, strerror(EFAULT));
	for (int ms = 0; ms < PATIENCE_MS && count_files() > files; ms += 20)
		nap_ms(20);
	t_ok(count_files() - files < LEAK_ROUNDS / 2, "no file left of them");
	fd_table_full(true);
	fence = ioctl(line, SW_SYNC_CREATE, &create);
	t_err(fence, EMFILE, "CREATE, full fd table");
	fd_table_full(false);

	memset(create.name, 'x', sizeof(create.name));
	t_err(ioctl(line, SW_SYNC_CREATE, &create), 0, "CREATE, any name");
	t_ok(create.fence != 77 && fcntl(create.fence, F_GETFD) & FD_CLOEXEC,
	     "close-on-exec is set");
	t_ok(create.value == 1 && create.name[31] == 'x',
	     "the rest of the argument stays");
	t_err(ioctl(line, SW_SYNC_INC, NULL), EFAULT, "INC, NULL");
	t_err(ioctl(line, SW_SYNC_INC, ptr_unmapped()), EFAULT, "INC, unmapped");
	p = ptr_straddle(&one, sizeof(one), 3);
	t_err(ioctl(line, SW_SYNC_INC, p), EFAULT,
	      "INC, only 3 bytes can be read");
	ptr_free(p);
	t_ok(fence_status(create.fence) == 0, "which changes nothing");
	p = ptr_readonly(&one, sizeof(one));
	t_err(ioctl(line, SW_SYNC_INC, p), 0, "INC, read-only argument");
	ptr_free(p);
	t_ok(fence_status(create.fence) == 1, "which signals");
	close(create.fence);
	close(line);
	group_end(&g);
}

static bool status_is(int line, unsigned int value, int status)
{
	int fence = timeline_fence(line, value);
	bool same = fence_status(fence) == status;

	close(fence);
	return same;
}

/* 32-bit values that come round again: "later" is less than half a turn on. */
static void test_values(void)
{
	int line, fences[8];
	struct group g;
	int over = 0;

	group_begin(&g, "values");
	line = timeline_open();
	t_ok(status_is(line, 0, 1), "0 is reached from the first");
	t_ok(status_is(line, 1, 0), "1 is not");
	t_ok(status_is(line, 0x7fffffff, 0), "nor is 2^31-1");
	t_ok(status_is(line, 0x80000000, 1), "2^31 lies in the past");
	t_ok(status_is(line, 0xffffffff, 1), "so does 2^32-1");

	for (int i = 0; i < 8; i++)
		fences[i] = timeline_fence(line, 8 - i);
	timeline_inc(line, 0);
	t_ok(fence_status(fences[7]) == 0, "a step of 0 signals nothing");
	timeline_inc(line, 5);
	for (int i = 0; i < 8; i++)
		over += fence_status(fences[i]) == (i < 3 ? 0 : 1);
	t_ok(over == 8, "a step of 5 signals the five, in whatever order made");
	timeline_inc(line, 3);
	t_ok(fence_status(fences[0]) == 1, "the rest follows");
	for (int i = 0; i < 8; i++)
		close(fences[i]);
	close(line);

	/* A step beyond 2^31-1 goes by half turns, and passes what lies there. */
	line = timeline_open();
	fences[0] = timeline_fence(line, 1);
	fences[1] = timeline_fence(line, 0x7fffffff);
	timeline_inc(line, 0xffffffff);
	t_ok(fence_status(fences[0]) == 1 && fence_status(fences[1]) == 1,
	     "a step of 2^32-1 signals what it passes");
	close(fences[0]);
	close(fences[1]);
	fences[0] = timeline_fence(line, 0);
	fences[1] = timeline_fence(line, 5);
	fences[2] = timeline_fence(line, 0x7ffffffe);
	t_ok(fence_status(fences[0]) == 0 && fence_status(fences[1]) == 0,
	     "at 2^32-1: 0 and 5 are yet to come");
	t_ok(status_is(line, 0x7fffffff, 1), "2^31-1 is not");
	timeline_inc(line, 1);
	t_ok(fence_status(fences[0]) == 1 && fence_status(fences[1]) == 0,
	     "after the turn: 0 has signalled");
	fences[3] = merge_fences(fences[2], fences[1], "");
	timeline_inc(line, 5);
	t_ok(fence_status(fences[1]) == 1 && fence_status(fences[3]) == 0,
	     "5 has, the later of two has not");
	timeline_inc(line, 0x80000001);
	t_ok(fence_status(fences[3]) == 1, "a step of 2^31+1");
	for (int i = 0; i < 4; i++)
		close(fences[i]);
	close(line);
	group_end(&g);
}

static int set_deadline(int fence, __u64 deadline_ns)
{
	struct sync_set_deadline arg = { .deadline_ns = deadline_ns };

	return ioctl(fence, SYNC_IOC_SET_DEADLINE, &arg);
}

static int get_deadline(int line, int fence, __u64 *deadline_ns)
{
	struct sw_sync_deadline arg = { .fence = fence };
	int ret = ioctl(line, SW_SYNC_GET_DEADLINE, &arg);

	*deadline_ns = arg.deadline_ns;
	return ret;
}

static bool deadline_is(int line, int fence, __u64 want)
{
	__u64 deadline;

	return !get_deadline(line, fence, &deadline) && deadline == want;
}

static void test_deadline(void)
{
	struct sw_sync_deadline arg = { 0 };
	int line, other, a, b, both, pipes[2];
	struct group g;
	__u64 got;
	void *p;

	group_begin(&g, "deadlines");
	line = timeline_open();
	other = timeline_open();
	a = timeline_fence(line, 1);
	b = timeline_fence(other, 1);
	both = merge_fences(a, b, "both");
	t_need(!pipe2(pipes, O_CLOEXEC), "pipe");
	t_err(get_deadline(line, a, &got), ENOENT, "none at first");
	t_need(!set_deadline(a, 5000), "SET_DEADLINE");
	t_ok(deadline_is(line, a, 5000), "the first");
	t_need(!set_deadline(a, 6000), "SET_DEADLINE");
	t_ok(deadline_is(line, a, 5000), "a later one does not count");
	t_need(!set_deadline(a, 4000), "SET_DEADLINE");
	t_ok(deadline_is(line, a, 4000), "an earlier one does");
	t_ok(deadline_is(other, a, 4000), "any timeline may be asked");
	t_err(get_deadline(line, b, &got), ENOENT, "the other fence has none");
	t_need(!set_deadline(both, 3000), "SET_DEADLINE");
	t_ok(deadline_is(line, a, 3000) && deadline_is(line, b, 3000),
	     "one for both reaches both");
	t_need(!set_deadline(both, 3500), "SET_DEADLINE");
	t_ok(deadline_is(line, a, 3000) && deadline_is(line, b, 3000),
	     "unless it is later");

	t_err(get_deadline(line, -1, &got), EINVAL, "fd -1");
	t_err(get_deadline(line, pipes[0], &got), EINVAL, "a pipe");
	t_err(get_deadline(line, line, &got), EINVAL, "the timeline");
	t_err(get_deadline(line, both, &got), EINVAL, "two fences in one file");
	arg.fence = a;
	arg.pad = 1;
	t_err(ioctl(line, SW_SYNC_GET_DEADLINE, &arg), EINVAL, "pad");
	arg.pad = 0;
	arg.deadline_ns = 1;
	t_err(ioctl(line, SW_SYNC_GET_DEADLINE, &arg), EINVAL, "deadline_ns");
	arg.deadline_ns = 0;
	t_err(ioctl(line, SW_SYNC_GET_DEADLINE, NULL), EFAULT, "NULL");
	for (size_t inside = 1; inside < 16; inside += 7) {
		p = ptr_straddle(&arg, sizeof(arg), inside);
		t_err(ioctl(line, SW_SYNC_GET_DEADLINE, p), EFAULT,
		      "only %zu bytes can be reached", inside);
		ptr_free(p);
	}
	p = ptr_readonly(&arg, sizeof(arg));
	t_err(ioctl(line, SW_SYNC_GET_DEADLINE, p), EFAULT, "read-only");
	ptr_free(p);

	timeline_inc(line, 1);
	t_need(!set_deadline(a, 1000), "SET_DEADLINE");
	t_ok(deadline_is(line, a, 3000), "none can be set after the signal");
	t_need(!set_deadline(b, 0), "SET_DEADLINE");
	t_ok(deadline_is(line, b, 0), "the beginning of time is one");
	close(pipes[0]);
	close(pipes[1]);
	close(both);
	close(a);
	close(b);
	close(line);
	close(other);
	group_end(&g);
}

/* A fence's deadline tells whether another file holds the same fence. */
static void test_same_value(void)
{
	long before, after;
	struct group g;
	int line, a, b;
	__u64 got;

	group_begin(&g, "the same value twice");
	line = timeline_open();
	a = timeline_fence(line, 1);
	b = timeline_fence(line, 1);
	t_need(!set_deadline(a, 5000), "SET_DEADLINE");
	t_ok(deadline_is(line, b, 5000), "is the same fence");
	close(a);
	a = timeline_fence(line, 1);
	t_ok(deadline_is(line, a, 5000), "as long as somebody has it");
	close(b);
	b = timeline_fence(line, 2);
	t_err(get_deadline(line, b, &got), ENOENT, "another value is another");
	close(a);
	a = timeline_fence(line, 1);
	t_err(get_deadline(line, a, &got), ENOENT, "when all let go, a new one");
	t_need(!set_deadline(a, 5000), "SET_DEADLINE");
	close(b);
	timeline_inc(line, 1);
	b = timeline_fence(line, 1);
	t_err(get_deadline(line, b, &got), ENOENT,
	      "and when it has signalled, a new one that has too");
	t_ok(fence_status(b) == 1, "at once");
	close(a);
	close(b);

	/* If something stayed of each, that would be a megabyte and more. */
	before = slab_kb();
	for (unsigned int i = 0; i < 20000; i++)
		close(timeline_fence(line, 2 + i % 7));
	for (int tries = 0; tries < 100 && slab_kb() > before + 512; tries++)
		nap_ms(100);
	after = slab_kb();
	t_ok(after <= before + 512, "20000 fences leave nothing behind");
	if (after > before + 512)
		t_note("%ld KiB more in the slab caches", after - before);
	close(line);
	group_end(&g);
}

/* What sync/info says of the only timeline of ours; "" if it makes no sense. */
static const char *info_of_timeline(void)
{
	static const char head[] = "objs:\n--------------\n" TASK ": ";
	static const char tail[] = "\n\nfences:\n--------------\n";
	static char text[4096];
	char *end;

	t_need(read_file(SYNC_INFO, text, sizeof(text)), SYNC_INFO);
	end = strstr(text, tail);
	if (strncmp(text, head, strlen(head)) || !end || strcmp(end, tail))
		return "";
	end[1] = '\0';
	return text + strlen(head);
}

static bool info_is(const char *want)
{
	const char *is = info_of_timeline();

	if (strcmp(is, want))
		t_note("sync/info says: %s", is);
	return !strcmp(is, want);
}

static void test_info(void)
{
	unsigned int sec, nsec, value, at;
	int line, a, b, c, n = 0;
	struct group g;
	struct stat st;

	group_begin(&g, "sync/info");
	t_ok(!stat(SYNC_INFO, &st) && (st.st_mode & 07777) == 0444,
	     "all may read it");
	t_ok(!stat(SW_SYNC, &st) && (st.st_mode & 07777) == 0644,
	     "sw_sync is root's");
	t_ok(count_timelines() == 0, "no timeline");
	line = timeline_open();
	t_ok(info_is("0\n"), "a timeline is named after its task");
	b = timeline_fence(line, 7);
	a = timeline_fence(line, 3);
	c = timeline_fence(line, 0x7fffffff);
	t_ok(info_is("0\n  fence active: 3 / 0\n  fence active: 7 / 0\n"
		     "  fence active: 2147483647 / 0\n"),
	     "its fences, the earliest first");
	timeline_inc(line, 3);
	t_ok(info_is("3\n  fence active: 7 / 3\n"
		     "  fence active: 2147483647 / 3\n"),
	     "one that has signalled is no more among them");
	close(b);
	t_ok(info_is("3\n  fence active: 2147483647 / 3\n"),
	     "nor is one that nobody has");
	timeline_inc(line, 0x7ffffff0);
	t_ok(info_is("2147483635\n  fence active: 2147483647 / 2147483635\n"),
	     "large values");
	close(line);
	t_ok(sscanf(info_of_timeline(), "2147483635\n  fence error@%u.%9u: %u / %u%n",
		    &sec, &nsec, &value, &at, &n) == 4 && n &&
	     value == 0x7fffffff && at == 0x7ffffff3,
	     "a fence of a timeline that ended, and when");
	close(c);
	t_ok(info_is("2147483635\n"), "a fence that has signalled keeps it");
	close(a);
	group_end(&g);
}

#define TRACING	"/sys/kernel/tracing/"
#define EVENT	TRACING "events/sync_trace/sync_timeline/enable"

/* A step is traced with the value before it; a long one is several. */
static void test_trace(void)
{
	static const char * const want[] = {
		"0", "3", "4", "-2147483645", "2",
	};
	char line_of_trace[128];
	static char text[65536];
	char *at = text;
	struct group g;
	int line, fd;

	if (access(EVENT, F_OK)) {
		t_skip("no " EVENT ": mount tracefs, CONFIG_EVENT_TRACING");
		return;
	}
	group_begin(&g, "the tracepoint");
	t_need(write_file(EVENT, "1"), EVENT);
	fd = open(TRACING "trace", O_WRONLY | O_TRUNC | O_CLOEXEC);
	t_need(fd >= 0, TRACING "trace");
	close(fd);
	line = timeline_open();
	timeline_inc(line, 3);
	timeline_inc(line, 1);
	timeline_inc(line, 0xffffffff);
	close(line);
	t_need(write_file(EVENT, "0"), EVENT);
	t_need(read_file(TRACING "trace", text, sizeof(text)), "read the trace");
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		snprintf(line_of_trace, sizeof(line_of_trace),
			 ": sync_timeline: name=" TASK " value=%s\n", want[i]);
		at = at ? strstr(at, line_of_trace) : NULL;
		t_ok(at, "a step from %s", want[i]);
	}
	t_ok(at && !strstr(at + 3, "sync_timeline:"), "no other");
	group_end(&g);
}

#define DESTROY	TRACING "events/dma_fence/dma_fence_destroy/enable"

/* Of a fence that is there already no other comes into being, nor goes. */
static void test_destroy(void)
{
	static char text[65536];
	struct group g;
	int line, a, b, fd;

	if (access(DESTROY, F_OK)) {
		t_skip("no " DESTROY ": mount tracefs, CONFIG_EVENT_TRACING");
		return;
	}
	group_begin(&g, "the end of a fence");
	line = timeline_open();
	t_need(write_file(DESTROY, "1"), DESTROY);
	fd = open(TRACING "trace", O_WRONLY | O_TRUNC | O_CLOEXEC);
	t_need(fd >= 0, TRACING "trace");
	close(fd);
	a = timeline_fence(line, 1);
	b = timeline_fence(line, 1);
	t_need(read_file(TRACING "trace", text, sizeof(text)), "read the trace");
	t_ok(!strstr(text, "timeline=" TASK), "the same value twice: none");
	close(a);
	close(b);
	for (int ms = 0; ms < PATIENCE_MS && !strstr(text, "timeline=" TASK);
	     ms += 20) {
		nap_ms(20);
		t_need(read_file(TRACING "trace", text, sizeof(text)),
		       "read the trace");
	}
	t_need(write_file(DESTROY, "0"), DESTROY);
	t_ok(strstr(text, "dma_fence_destroy: driver=sw_sync timeline=" TASK),
	     "all let go: one");
	close(line);
	group_end(&g);
}

static void test_taint(void)
{
	char text[32];

	t_need(read_file("/proc/sys/kernel/tainted", text, sizeof(text)),
	       "tainted");
	t_ok(strtoul(text, NULL, 10) & TAINT_SOFTLOCKUP,
	     "the kernel is marked as one that user space may hang");
}

int main(void)
{
	t_begin();
	t_need(!prctl(PR_SET_NAME, TASK), "name the task");
	if (!have_fences())
		return t_end();
	test_arguments();
	test_taint();
	test_values();
	test_deadline();
	test_same_value();
	test_info();
	test_trace();
	test_destroy();
	return t_end();
}
