// SPDX-License-Identifier: GPL-2.0
/*
 * The file of a fence: what its ioctls tell and take, and every way to get
 * them wrong. The fences come from sw_sync.
 */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include <linux/sync_file.h>

#include "common.h"

/* The task's name is that of its timelines: as long as a name may be. */
#define TASK	"fifteen letters"

static const size_t inside_merge[] = { 1, 32, 40, 47 };
static const size_t inside_info[] = { 1, 32, 48, 55 };

static void test_file(void)
{
	int line, fence;
	struct group g;
	char byte = 0;

	group_begin(&g, "not a file to read or write");
	line = timeline_open();
	fence = timeline_fence(line, 1);
	t_err(read(fence, &byte, 1), EINVAL, "read");
	t_err(write(fence, &byte, 1), EBADF, "write");
	t_err(lseek(fence, 0, SEEK_SET), ESPIPE, "lseek");
	t_err(ftruncate(fence, 0), EINVAL, "ftruncate");
	t_err(mmap(NULL, page_size(), PROT_READ, MAP_SHARED, fence, 0) ==
	      MAP_FAILED ? -1 : 0, ENODEV, "mmap");
	close(fence);
	close(line);
	group_end(&g);
}

static void test_numbers(void)
{
	const struct {
		unsigned long cmd;
		const char *text;
	} wrong[] = {
		{ _IOWR('>', 0, struct sync_merge_data), "nr 0" },
		{ _IOWR('>', 1, struct sync_merge_data), "nr 1" },
		{ _IOWR('>', 2, struct sync_merge_data), "nr 2" },
		{ _IOC(_IOC_READ | _IOC_WRITE, '>', 3, 47), "MERGE, size 47" },
		{ _IOC(_IOC_READ | _IOC_WRITE, '>', 3, 0), "MERGE, size 0" },
		{ _IOC(_IOC_WRITE, '>', 3, 48), "MERGE, write" },
		{ _IOC(_IOC_READ | _IOC_WRITE, '>', 4, 48), "FILE_INFO, size 48" },
		{ _IOC(_IOC_READ, '>', 4, 56), "FILE_INFO, read" },
		{ _IOC(_IOC_READ | _IOC_WRITE, '>', 5, 16), "SET_DEADLINE, both ways" },
		{ _IOC(_IOC_WRITE, '>', 5, 8), "SET_DEADLINE, size 8" },
		{ _IOWR('>', 6, struct sync_set_deadline), "nr 6" },
		{ _IOWR('>', 255, struct sync_set_deadline), "nr 255" },
		{ SW_SYNC_CREATE, "sw_sync's CREATE_FENCE" },
		{ SW_SYNC_INC, "sw_sync's INC" },
		{ 0x5401, "TCGETS" },
	};
	int line, fence;
	char arg[64] = "";
	struct group g;

	group_begin(&g, "numbers of the ioctls");
	line = timeline_open();
	fence = timeline_fence(line, 1);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		t_err(ioctl(fence, wrong[i].cmd, arg), ENOTTY, "%s",
		      wrong[i].text);
	t_err(ioctl(line, SYNC_IOC_MERGE, arg), ENOTTY, "MERGE of a timeline");
	t_err(ioctl(line, SYNC_IOC_FILE_INFO, arg), ENOTTY,
	      "FILE_INFO of a timeline");
	close(fence);
	close(line);
	group_end(&g);
}

/* Calls that fail after much was done, and must leave neither fd nor file. */
static void refused(int fence, unsigned long cmd, void *arg, const char *text)
{
	int failed = 0, files = count_files();

	for (int i = 0; i < LEAK_ROUNDS; i++)
		failed += ioctl(fence, cmd, arg) < 0 && errno == EFAULT;
	t_ok(failed == LEAK_ROUNDS, "%s, %d times: %s", text, LEAK_ROUNDS,
	     strerror(EFAULT));
	for (int ms = 0; ms < PATIENCE_MS && count_files() > files; ms += 20)
		nap_ms(20);
	t_ok(count_files() - files < LEAK_ROUNDS / 2, "%s: no file left", text);
}

static void test_merge(void)
{
	struct sync_merge_data m = { .name = "merged" };
	int line, a, b, buf, pipes[2], memfd, bad = 0;
	struct group g;
	void *p;

	group_begin(&g, "SYNC_IOC_MERGE");
	line = timeline_open();
	a = timeline_fence(line, 1);
	b = timeline_fence(line, 2);
	buf = new_buffer(page_size());
	memfd = memfd_create("test", MFD_CLOEXEC);
	t_need(!pipe2(pipes, O_CLOEXEC), "pipe");

	m.fd2 = b;
	m.fence = -1;
	t_err(ioctl(a, SYNC_IOC_MERGE, &m), 0, "two fences");
	t_ok(m.fence >= 0 && fcntl(m.fence, F_GETFD) & FD_CLOEXEC,
	     "close-on-exec is set");
	t_ok(m.fd2 == b && !m.flags && !m.pad && !strcmp(m.name, "merged"),
	     "the rest of the argument stays");
	close(m.fence);

	for (int bit = 0; bit < 64; bit++) {
		m.flags = bit < 32 ? 1U << bit : 0;
		m.pad = bit < 32 ? 0 : 1U << (bit - 32);
		bad += !ioctl(a, SYNC_IOC_MERGE, &m) || errno != EINVAL;
	}
	t_ok(!bad, "each bit of flags and pad: %s", strerror(EINVAL));
	m.flags = 1;
	m.fd2 = -1;
	t_err(ioctl(a, SYNC_IOC_MERGE, &m), EINVAL, "flags before the fd");

	t_err(merge_fences(a, -1, ""), ENOENT, "fd -1");
	t_err(merge_fences(a, INT32_MAX, ""), ENOENT, "fd 2^31-1");
	t_err(merge_fences(a, INT32_MIN, ""), ENOENT, "fd -2^31");
	t_err(merge_fences(a, pipes[0], ""), ENOENT, "a pipe");
	t_err(merge_fences(a, memfd, ""), ENOENT, "a memfd");
	t_err(merge_fences(a, buf, ""), ENOENT, "a dma-buf");
	t_err(merge_fences(a, line, ""), ENOENT, "the timeline");

	m = (struct sync_merge_data){ .fd2 = b };
	t_err(ioctl(a, SYNC_IOC_MERGE, NULL), EFAULT, "NULL");
	t_err(ioctl(a, SYNC_IOC_MERGE, ptr_unmapped()), EFAULT, "unmapped");
	for (size_t i = 0; i < ARRAY_SIZE(inside_merge); i++) {
		p = ptr_straddle(&m, sizeof(m), inside_merge[i]);
		t_err(ioctl(a, SYNC_IOC_MERGE, p), EFAULT,
		      "only %zu bytes can be reached", inside_merge[i]);
		ptr_free(p);
	}
	p = ptr_readonly(&m, sizeof(m));
	refused(a, SYNC_IOC_MERGE, p, "read-only");
	ptr_free(p);
	fd_table_full(true);
	m.fence = merge_fences(a, b, "");
	t_err(m.fence, EMFILE, "full fd table");
	fd_table_full(false);
	close(b);
	t_err(merge_fences(a, b, ""), ENOENT, "a closed fd");

	close(pipes[0]);
	close(pipes[1]);
	close(memfd);
	close(buf);
	close(a);
	close(line);
	group_end(&g);
}

static bool named(int fence, const char *name)
{
	struct sync_file_info info;
	bool same;

	t_need(!fence_info(fence, &info, NULL, 0), "SYNC_IOC_FILE_INFO");
	same = !strncmp(info.name, name, sizeof(info.name));
	if (!same)
		t_note("the name is '%.32s', not '%s'", info.name, name);
	return same;
}

/* Merges a fence with itself; the file's name shall be "want". */
static bool merged_name(int fence, const char *given, const char *want)
{
	int merged = merge_fences(fence, fence, given);
	bool same = named(merged, want);

	close(merged);
	return same;
}

/* "driver-timelineCONTEXT-SEQNO" */
static unsigned long long context_of(int fence, const char *prefix,
				     const char *seqno)
{
	struct sync_file_info info;
	unsigned long long context = 0;
	size_t len = strlen(prefix);
	char *end;

	t_need(!fence_info(fence, &info, NULL, 0), "SYNC_IOC_FILE_INFO");
	if (!strncmp(info.name, prefix, len)) {
		context = strtoull(info.name + len, &end, 10);
		if (!strcmp(end, seqno))
			return context;
	}
	t_note("the name is '%.32s'", info.name);
	return 0;
}

static void test_names(void)
{
	static const char long_name[] = "0123456789abcdef0123456789abcdef";
	static const char * const names[] = {
		"a", "with a space", "%s%n%d", "a/b", "\xc3\xa4", "line\nbreak",
	};
	unsigned long long context;
	int line, other, a, b, c, d;
	char want[64];
	struct group g;

	group_begin(&g, "names");
	line = timeline_open();
	other = timeline_open();
	a = timeline_fence(line, 1);
	b = timeline_fence(line, 0x7fffffff);
	c = timeline_fence(other, 1);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		t_ok(merged_name(a, names[i], names[i]), "name %zu is kept", i);
	t_ok(merged_name(a, "0123456789abcdef0123456789abcde",
			 "0123456789abcdef0123456789abcde"),
	     "31 characters are kept");
	t_ok(merged_name(a, long_name, "0123456789abcdef0123456789abcde"),
	     "32 characters without an end are cut");

	context = context_of(a, "sw_sync-" TASK, "-1");
	t_ok(context, "without: driver, timeline, context and number");
	snprintf(want, sizeof(want), "sw_sync-" TASK "%llu-2147483647", context);
	want[31] = '\0';
	t_ok(named(b, want), "the same context, and 31 characters in all");
	t_ok(context_of(c, "sw_sync-" TASK, "-1") > context,
	     "another timeline has another context");
	d = merge_fences(a, c, "");
	t_ok(context_of(d, "dma_fence_array-unbound", "-1") > context,
	     "two fences in one file: those of the array");
	close(d);

	d = merge_fences(a, b, "mine");
	timeline_inc(line, 1);
	t_ok(named(a, "detached-driver-signaled-timeli"),
	     "after the signal the names are let go");
	close(line);
	t_ok(named(b, "detached-driver-signaled-timeli"),
	     "after the timeline's end too");
	t_ok(named(d, "mine"), "a name that was given stays");
	close(a);
	close(b);
	close(c);
	close(d);
	close(other);
	group_end(&g);
}

static bool is_fence(const struct sync_fence_info *f, const char *driver,
		     const char *timeline, int status)
{
	return !strcmp(f->driver_name, driver) &&
	       !strcmp(f->obj_name, timeline) && f->status == status &&
	       !f->flags;
}

static bool is_pending(const struct sync_fence_info *f)
{
	return is_fence(f, "sw_sync", TASK, 0) && !f->timestamp_ns;
}

static bool is_over(const struct sync_fence_info *f, int status, __u64 after,
		    __u64 before)
{
	return is_fence(f, "detached-driver", "signaled-timeline", status) &&
	       f->timestamp_ns >= after && f->timestamp_ns <= before;
}

/* Three timelines in one file: pending, one signalled, one ended. */
static void test_info(void)
{
	struct sync_fence_info each[5] = { 0 };
	int lines[3], fences[3], two, all, alike = 0;
	struct sync_file_info info;
	__u64 start, middle, end;
	struct group g;

	group_begin(&g, "SYNC_IOC_FILE_INFO");
	for (int i = 0; i < 3; i++) {
		lines[i] = timeline_open();
		fences[i] = timeline_fence(lines[i], i + 1);
	}
	two = merge_fences(fences[0], fences[1], "two");
	all = merge_fences(two, fences[2], "all");

	t_err(fence_info(fences[0], &info, each, 1), 0, "a pending fence");
	t_ok(info.num_fences == 1 && info.status == 0 && is_pending(each),
	     "what it says of it");
	t_ok(each[1].driver_name[0] == '\0', "it writes no second");
	t_err(fence_info(all, &info, NULL, 0), 0, "how many?");
	t_ok(info.num_fences == 3 && info.status == 0 && !info.flags &&
	     !strcmp(info.name, "all"), "three, pending");
	t_err(fence_info(all, &info, ptr_unmapped(), 0), 0,
	      "how many? with a bad pointer");
	for (unsigned int room = 1; room < 3; room++)
		t_err(fence_info(all, &info, each, room), EINVAL,
		      "room for %u", room);
	t_err(fence_info(all, &info, each, 3), 0, "room for 3");
	t_ok(info.num_fences == 3 && is_pending(&each[0]) &&
	     is_pending(&each[1]) && is_pending(&each[2]), "all pending");
	memset(each, 0x5a, sizeof(each));
	t_err(fence_info(all, &info, each, UINT32_MAX), 0, "room for 2^32-1");
	for (size_t i = 0; i < 2 * sizeof(each[0]); i++)
		alike += ((char *)&each[3])[i] == 0x5a;
	t_ok(info.num_fences == 3 && alike == 2 * sizeof(each[0]),
	     "it writes three");

	start = now_ns();
	timeline_inc(lines[1], 2);
	middle = now_ns();
	t_err(fence_info(all, &info, each, 3), 0, "one has signalled");
	t_ok(info.status == 0, "the file has not");
	t_ok(is_pending(&each[0]) && is_over(&each[1], 1, start, middle) &&
	     is_pending(&each[2]), "status, names and time");
	close(lines[2]);
	end = now_ns();
	t_err(fence_info(all, &info, each, 3), 0, "one timeline has ended");
	t_ok(info.status == 0 && is_pending(&each[0]) &&
	     is_over(&each[1], 1, start, middle) &&
	     is_over(&each[2], -ENOENT, middle, end), "with an error");
	timeline_inc(lines[0], 1);
	t_err(fence_info(all, &info, each, 3), 0, "all are over");
	t_ok(info.status == -ENOENT && is_over(&each[0], 1, end, now_ns()) &&
	     is_over(&each[2], -ENOENT, middle, end), "the error is told");

	for (int i = 0; i < 3; i++)
		close(fences[i]);
	close(lines[0]);
	close(lines[1]);
	close(two);
	close(all);
	group_end(&g);
}

static void test_info_arguments(void)
{
	struct sync_fence_info each[3] = { 0 };
	struct sync_file_info info = { .num_fences = 2 };
	int line, other, a, b, both, bad = 0;
	struct group g;
	void *p;

	group_begin(&g, "arguments of SYNC_IOC_FILE_INFO");
	line = timeline_open();
	other = timeline_open();
	a = timeline_fence(line, 1);
	b = timeline_fence(other, 1);
	both = merge_fences(a, b, "both");

	for (int bit = 0; bit < 64; bit++) {
		info.flags = bit < 32 ? 1U << bit : 0;
		info.pad = bit < 32 ? 0 : 1U << (bit - 32);
		bad += !ioctl(both, SYNC_IOC_FILE_INFO, &info) || errno != EINVAL;
	}
	t_ok(!bad, "each bit of flags and pad: %s", strerror(EINVAL));
	t_err(ioctl(both, SYNC_IOC_FILE_INFO, NULL), EFAULT, "NULL");
	t_err(ioctl(both, SYNC_IOC_FILE_INFO, ptr_unmapped()), EFAULT,
	      "unmapped");
	info = (struct sync_file_info){ 0 };
	for (size_t i = 0; i < ARRAY_SIZE(inside_info); i++) {
		p = ptr_straddle(&info, sizeof(info), inside_info[i]);
		t_err(ioctl(both, SYNC_IOC_FILE_INFO, p), EFAULT,
		      "only %zu bytes can be reached", inside_info[i]);
		ptr_free(p);
	}
	p = ptr_readonly(&info, sizeof(info));
	refused(both, SYNC_IOC_FILE_INFO, p, "read-only");
	ptr_free(p);

	t_err(fence_info(both, &info, NULL, 2), EFAULT, "fences to NULL");
	t_err(fence_info(both, &info, ptr_unmapped(), 2), EFAULT,
	      "fences to unmapped memory");
	p = ptr_readonly(each, sizeof(each));
	t_err(fence_info(both, &info, p, 2), EFAULT, "fences, read-only");
	ptr_free(p);
	for (size_t room = 1; room < 3; room++) {
		p = ptr_straddle(each, sizeof(each), room * sizeof(each[0]) - 1);
		t_err(fence_info(both, &info, p, 2), EFAULT,
		      "one byte too little for %zu of 2 fences", room);
		ptr_free(p);
	}
	p = ptr_straddle(each, sizeof(each), 2 * sizeof(each[0]));
	t_err(fence_info(both, &info, p, 9), 0, "just enough memory for both");
	ptr_free(p);
	close(a);
	close(b);
	close(both);
	close(line);
	close(other);
	group_end(&g);
}

static int set_deadline(int fence, __u64 deadline_ns, __u64 pad)
{
	struct sync_set_deadline arg = { deadline_ns, pad };

	return ioctl(fence, SYNC_IOC_SET_DEADLINE, &arg);
}

static void test_set_deadline(void)
{
	struct sync_set_deadline arg = { .deadline_ns = 1 };
	int line, fence, bad = 0;
	struct group g;
	void *p;

	group_begin(&g, "SYNC_IOC_SET_DEADLINE");
	line = timeline_open();
	fence = timeline_fence(line, 1);
	for (int bit = 0; bit < 64; bit++)
		bad += !set_deadline(fence, 1, 1ULL << bit) || errno != EINVAL;
	t_ok(!bad, "each bit of pad: %s", strerror(EINVAL));
	t_err(ioctl(fence, SYNC_IOC_SET_DEADLINE, NULL), EFAULT, "NULL");
	t_err(ioctl(fence, SYNC_IOC_SET_DEADLINE, ptr_unmapped()), EFAULT,
	      "unmapped");
	for (size_t inside = 1; inside < 16; inside += 7) {
		p = ptr_straddle(&arg, sizeof(arg), inside);
		t_err(ioctl(fence, SYNC_IOC_SET_DEADLINE, p), EFAULT,
		      "only %zu bytes can be read", inside);
		ptr_free(p);
	}
	p = ptr_readonly(&arg, sizeof(arg));
	t_err(ioctl(fence, SYNC_IOC_SET_DEADLINE, p), 0, "read-only argument");
	ptr_free(p);
	t_err(set_deadline(fence, 0, 0), 0, "the beginning of time");
	t_err(set_deadline(fence, UINT64_MAX, 0), 0, "the end of time");
	timeline_inc(line, 1);
	t_err(set_deadline(fence, now_ns(), 0), 0, "a fence that has signalled");
	close(fence);
	close(line);
	group_end(&g);
}

int main(void)
{
	t_begin();
	t_need(!prctl(PR_SET_NAME, TASK), "name the task");
	if (!have_fences())
		return t_end();
	test_file();
	test_numbers();
	test_merge();
	test_names();
	test_info();
	test_info_arguments();
	test_set_deadline();
	return t_end();
}
