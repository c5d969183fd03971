// SPDX-License-Identifier: GPL-2.0
/*
 * The fuzzer's calls to sync_files and to timelines of sw_sync.
 */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/sync_file.h>

#include "fuzz.h"

static const __u32 steps[] = {
	1, 2, 3, 0, 5, 100, 0x7fffffff, 0x80000000, 0xffffffff,
};

static void line_open(struct run *r, const __u8 *a)
{
	(void)a;
	got_fd(r, LINE, open_kind(LINE));
}

static void line_fence(struct run *r, const __u8 *a)
{
	struct sw_sync_create arg = { .value = PICK(steps, a[1] & 7), .fence = -1 };
	long ret;

	memset(arg.name, 'p', SELDOM(a[2]) ? sizeof(arg.name) : a[2] & 15);
	ret = ioctl(fd_of(r, LINE, a[0]), SW_SYNC_CREATE, arg_at(a[3], &arg, sizeof(arg)));
	got_fd(r, FENCE, ret < 0 ? ret : arg.fence);
}

/*
 * Points without a gap, the last of them first: to reach them all takes its time, in which
 * the last is reached, and not signalled. Some are left open to the end.
 */
static void line_fill(struct run *r, const __u8 *a)
{
	static const unsigned int counts[] = { 4, 16, 60 };
	unsigned int count = PICK(counts, a[1]), known = a[2] & 15;
	int line = fd_of(r, LINE, a[0]);

	for (unsigned int i = 0; i < count; i++) {
		struct sw_sync_create arg = { .value = count - i, .fence = -1 };

		if (ioctl(line, SW_SYNC_CREATE, &arg) < 0) {
			said(r, -1);
			break;
		}
		if (i <= known)
			got_fd(r, FENCE, arg.fence);
	}
}

static void line_inc(struct run *r, const __u8 *a)
{
	__u32 by = PICK(steps, a[1]);

	said(r, ioctl(fd_of(r, LINE, a[0]), SW_SYNC_INC, arg_at(a[2], &by, sizeof(by))));
}

static void line_deadline(struct run *r, const __u8 *a)
{
	struct sw_sync_deadline arg = {
		.deadline_ns = SELDOM(a[2]) ? a[2] : 0,
		.pad = SELDOM(a[3]) ? a[3] : 0,
		.fence = fd_of(r, FENCE, a[1]),
	};

	if (!said(r, ioctl(fd_of(r, LINE, a[0]), SW_SYNC_GET_DEADLINE,
			   arg_at(a[4], &arg, sizeof(arg)))))
		say(r, ",%llu", (unsigned long long)arg.deadline_ns);
}

static void fence_merge(struct run *r, const __u8 *a)
{
	struct sync_merge_data arg = {
		.fd2 = fd_of(r, FENCE, a[1]),
		.fence = -1,
		.flags = SELDOM(a[3]) ? a[3] : 0,
		.pad = SELDOM(a[4]) ? a[4] : 0,
	};
	long ret;

	memset(arg.name, 'm', SELDOM(a[2]) ? sizeof(arg.name) : a[2] & 15);
	ret = ioctl(fd_of(r, FENCE, a[0]), SYNC_IOC_MERGE, arg_at(a[5], &arg, sizeof(arg)));
	got_fd(r, FENCE, ret < 0 ? ret : arg.fence);
}

/* What a page tells of, and some more */
#define MANY	54
/* A program that runs once has no more than what each call makes, in one. */
#define MOST	(MAX_CALLS * (MANY + 1))

/*
 * Where fences are told of. Threads run calls again and again: what is more than MOST ends
 * where nobody can write. They share it, as nobody asks what they were told.
 */
static struct sync_fence_info *told;

/* Of timelines of their own, in one */
static void fence_many(struct run *r, const __u8 *a)
{
	static const unsigned int counts[] = { 3, 16, MANY };
	struct sw_sync_create one = { .value = 1, .fence = -1 };
	struct sync_merge_data both = { .fd2 = -1 };
	unsigned int count = PICK(counts, a[0]);
	long ret = 0;

	for (unsigned int i = 0; i < count && ret >= 0; i++) {
		int line = open_kind(LINE);

		if (line < 0) {
			ret = line;
			break;
		}
		put_slot(r, LINE, line);
		ret = ioctl(line, SW_SYNC_CREATE, &one);
		if (ret < 0)
			break;
		if (!i) {
			both.fd2 = one.fence;
			continue;
		}
		ret = ioctl(one.fence, SYNC_IOC_MERGE, &both);
		close(one.fence);
		close(both.fd2);
		both.fd2 = ret < 0 ? -1 : both.fence;
	}
	if (ret < 0 && both.fd2 >= 0)
		close(both.fd2);
	got_fd(r, FENCE, ret < 0 ? ret : both.fd2);
}

void fences_begin(void)
{
	size_t len = MOST * sizeof(*told), page = page_size();
	size_t room = (len + page - 1) / page * page;
	char *at = mmap(NULL, room + page, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	t_need(at != MAP_FAILED && !mprotect(at + room, page, PROT_NONE), "room for fences");
	told = (void *)(at + room - len);
}

static void fence_look(struct run *r, const __u8 *a)
{
	static const __u32 rooms[] = { 0, 1, 2, 8, 3, 64, 0xffffffff, 0x10000000 };
	struct sync_file_info info = {
		.num_fences = PICK(rooms, a[1]),
		.flags = SELDOM(a[2]) ? a[2] : 0,
		.pad = SELDOM(a[3]) ? a[3] : 0,
	};
	unsigned int known = info.num_fences;

	/* whatever room is told of, the kernel writes what there is */
	memset(told, 0, MOST * sizeof(*told));
	info.sync_fence_info = (uintptr_t)arg_at(a[4], told, MOST * sizeof(*told));
	if (said(r, ioctl(fd_of(r, FENCE, a[0]), SYNC_IOC_FILE_INFO,
			  arg_at(a[5], &info, sizeof(info)))))
		return;
	say(r, ",%d,%u,%x,", info.status, info.num_fences, info.flags);
	say_masked(r, info.name, sizeof(info.name));
	if (a[4] >= 0xfc)
		return;
	for (unsigned int i = 0; known && i < info.num_fences && i < 64; i++) {
		say(r, ",%d,%x,%d,", told[i].status, told[i].flags, !!told[i].timestamp_ns);
		say_masked(r, told[i].obj_name, sizeof(told[i].obj_name));
		say(r, ",");
		say_masked(r, told[i].driver_name, sizeof(told[i].driver_name));
	}
}

static void fence_deadline(struct run *r, const __u8 *a)
{
	static const __u64 when[] = { 0, 1, 1000, 5, ~0ULL, 1ULL << 63 };
	struct sync_set_deadline arg = {
		.deadline_ns = PICK(when, a[1]),
		.pad = SELDOM(a[2]) ? a[2] : 0,
	};

	said(r, ioctl(fd_of(r, FENCE, a[0]), SYNC_IOC_SET_DEADLINE,
		      arg_at(a[3], &arg, sizeof(arg))));
}

/* What all timelines and sync_files of the machine are; only we have any. */
static void lines_look(struct run *r, const __u8 *a)
{
	char text[65536];

	(void)a;
	if (!read_file(SYNC_INFO, text, sizeof(text)))
		said(r, -1);
	else if (!r->world->racing)
		say_masked(r, text, strlen(text));
}

const struct op fence_ops[] = {
	{ "line_open", line_open }, { "line_fence", line_fence },
	{ "line_fill", line_fill },
	{ "line_inc", line_inc }, { "line_deadline", line_deadline },
	{ "merge", fence_merge }, { "fence_many", fence_many },
	{ "fence_look", fence_look },
	{ "deadline", fence_deadline }, { "lines_look", lines_look },
	{ }
};
