// SPDX-License-Identifier: GPL-2.0
/*
 * Fences whose issuer is unloaded after it has signalled them: they can still
 * be looked at in every way. fence_issuer.ko issues them.
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/dma-buf.h>
#include <linux/sync_file.h>

#include "common.h"
#include "modules.h"

#define CONTROL	"/dev/fence_issuer"
#define CREATE	_IO('f', 0)
#define SIGNAL	_IO('f', 1)
#define FAIL	_IO('f', 2)
#define WATCH	_IO('f', 3)

static int unload(void)
{
	return module_unload("fence_issuer");
}

/* How many keep the module. */
static int references(void)
{
	FILE *f = fopen("/sys/module/fence_issuer/refcnt", "re");
	int count = -1;

	if (f && fscanf(f, "%d", &count) != 1)
		count = -1;
	if (f)
		fclose(f);
	return count;
}

static int control_open(void)
{
	int fd = open(CONTROL, O_RDWR | O_CLOEXEC);

	t_need(fd >= 0, CONTROL);
	return fd;
}

static bool driver_is(int fence, const char *name)
{
	struct sync_fence_info each = { .status = 0 };
	struct sync_file_info info;

	if (fence_info(fence, &info, &each, 1))
		return false;
	return !strcmp(each.driver_name, name);
}

static bool set_deadline(int fence)
{
	struct sync_set_deadline arg = { .deadline_ns = now_ns() };

	return !ioctl(fence, SYNC_IOC_SET_DEADLINE, &arg);
}

/* Whether a record has both. */
static bool log_says(int log, const char *one, const char *other)
{
	struct log_record record;

	while (log_next(log, &record)) {
		if (strstr(record.text, one) && strstr(record.text, other))
			return true;
	}
	return false;
}

/* Other code where the issuer's was. */
static void overwrite(int module)
{
	bool fine = true;

	for (int i = 0; i < 3; i++) {
		fine &= !insert_module(module, "");
		fine &= !unload();
	}
	t_ok(fine, "others have been where the issuer was");
}

static void look(int good, int bad, int both, int buf, int merged)
{
	struct sync_fence_info each = { .status = 0 };
	struct sync_file_info info;
	char text[4096];
	int fd;

	t_ok(fence_status(good) == 1 && fence_status(bad) == -EIO,
	     "their status");
	t_ok(fence_status(both) == -EIO && fence_status(merged) == -EIO,
	     "and that of what they were merged into");
	t_ok(!fence_info(good, &info, &each, 1) && each.timestamp_ns &&
	     each.driver_name[0] && strcmp(each.driver_name, "fence_issuer"),
	     "when it was signalled, and no name of who is gone");
	t_ok(poll_now(good, POLLIN) == POLLIN &&
	     poll_now(both, POLLIN) == POLLIN &&
	     poll_now(buf, POLLOUT) == POLLOUT, "poll");
	t_ok(set_deadline(good) && set_deadline(both), "set a deadline");
	fd = merge_fences(good, bad, "late");
	t_ok(fd >= 0 && fence_status(fd) != 0, "merge");
	close(fd);
	t_ok(bufinfo_of(buf, text, sizeof(text)), "bufinfo");
	fd = export_fence(buf, DMA_BUF_SYNC_RW);
	t_ok(fd >= 0 && fence_status(fd) != 0, "export from a buffer");
	close(fd);
	t_err(import_fence(buf, bad, DMA_BUF_SYNC_WRITE), 0,
	      "import into a buffer");
}

static void test_signalled(int module)
{
	int control, good, bad, both, merged, buf;
	int log = log_open();

	t_err(insert_module(module, ""), 0, "load");
	control = control_open();
	good = ioctl(control, CREATE);
	bad = ioctl(control, CREATE);
	t_ok(good >= 0 && bad >= 0, "two fences");
	t_ok(driver_is(good, "fence_issuer"), "the name of who issued them");
	both = merge_fences(good, bad, "both");
	merged = merge_fences(both, good, "again");
	buf = new_buffer(page_size());
	t_err(import_fence(buf, both, DMA_BUF_SYNC_READ), 0,
	      "both in a buffer");
	t_ok(!poll_now(buf, POLLOUT) && !poll_now(merged, POLLIN),
	     "which are polled");
	t_err(unload(), EAGAIN, "the issuer stays until it has signalled");
	t_err(ioctl(control, FAIL), 0, "signal one with an error");
	t_err(ioctl(control, SIGNAL), 0, "signal the other");
	t_err(ioctl(control, SIGNAL), ENOENT, "there is no third");
	close(control);
	t_err(unload(), 0, "the issuer goes");
	overwrite(module);
	look(good, bad, both, buf, merged);
	close(good);
	close(bad);
	close(both);
	close(merged);
	close(buf);
	t_ok(log_is_clean(log), "the kernel has nothing to say");
	close(log);
}

/* An issuer that goes without signalling signals that. */
static void test_forgotten(int module)
{
	int control, fence, log = log_open();

	t_err(insert_module(module, ""), 0, "load");
	control = control_open();
	fence = ioctl(control, CREATE);
	close(control);
	t_ok(fence_status(fence) == -ECANCELED, "a job that is dropped");
	t_ok(log_says(log, "fence_issuer", "without being signalled"),
	     "which the kernel tells");
	close(log);
	t_err(unload(), 0, "the issuer goes");
	overwrite(module);
	t_ok(fence_status(fence) == -ECANCELED, "the job still was");
	close(fence);
}

/* Callbacks: what is to be called must be there. */
static void test_callbacks(int module)
{
	int control, timeline, fence, other, log = log_open();

	t_err(insert_module(module, ""), 0, "load");
	timeline = timeline_open();
	fence = timeline_fence(timeline, 1);
	other = timeline_fence(timeline, 2);
	control = control_open();
	t_err(ioctl(control, WATCH, fence), 0, "a callback");
	t_err(ioctl(control, WATCH, other), 0, "and another");
	close(control);
	/* Not by unloading, after which what is not there would be called. */
	t_ok(references() == 2, "the module stays as long as it may be called");
	timeline_inc(timeline, 1);
	t_ok(references() == 1, "until all are signalled");
	timeline_inc(timeline, 1);
	t_err(unload(), 0, "and then goes, though it has kept them");
	overwrite(module);
	close(fence);
	close(other);
	close(timeline);
	t_ok(log_is_clean(log), "the kernel has nothing to say");
	close(log);
}

int main(int argc, char **argv)
{
	struct group g;
	int module;

	t_begin();
	module = open_module(argc > 1 ? argv[1] : NULL, "fence_issuer");
	if (module < 0) {
		t_skip("no fence_issuer.ko beside this program: %s",
		       strerror(errno));
		return t_end();
	}
	group_begin(&g, "signalled, then unloaded");
	test_signalled(module);
	group_end(&g);
	group_begin(&g, "never signalled");
	test_forgotten(module);
	group_end(&g);
	group_begin(&g, "callbacks");
	test_callbacks(module);
	group_end(&g);
	close(module);
	return t_end();
}
