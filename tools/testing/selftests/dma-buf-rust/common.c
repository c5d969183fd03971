// SPDX-License-Identifier: GPL-2.0
/*
 * Results, groups and the look for leaks.
 */
#include <dirent.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <time.h>

#include "common.h"

void t_begin(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	ksft_print_header();
}

/* The plan comes last: a program that dies early has none, and fails. */
int t_end(void)
{
	ksft_set_plan(ksft_test_num());
	ksft_finished();
}

void t_ok(bool ok, const char *fmt, ...)
{
	char text[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	ksft_test_result(ok, "%s\n", text);
}

static void print_outcome(long ret, int err)
{
	if (ret < 0)
		ksft_print_msg("got %s (errno %d)\n", strerror(err), err);
	else
		ksft_print_msg("got success, %ld\n", ret);
}

void t_err(long ret, int err, const char *fmt, ...)
{
	int got = ret < 0 ? errno : 0;
	char text[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (got != err)
		print_outcome(ret, got);
	ksft_test_result(got == err, "%s: %s\n", text,
			 err ? strerror(err) : "works");
}

void t_skip(const char *fmt, ...)
{
	char text[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	ksft_test_result_skip("%s\n", text);
}

void t_note(const char *fmt, ...)
{
	char text[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	ksft_print_msg("%s\n", text);
}

struct ksft_count t_results(void)
{
	return ksft_cnt;
}

void t_set_results(struct ksft_count results)
{
	ksft_cnt = results;
}

void t_need(bool ok, const char *what)
{
	if (!ok)
		ksft_exit_fail_msg("cannot go on: %s: %s\n", what,
				   strerror(errno));
}

bool read_file(const char *path, char *text, size_t len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t used = 0;
	ssize_t n = 0;

	if (fd < 0)
		return false;
	while (used < len - 1) {
		n = read(fd, text + used, len - 1 - used);
		if (n <= 0)
			break;
		used += n;
	}
	close(fd);
	text[used] = '\0';
	return n >= 0;
}

bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = write(fd, text, strlen(text));
	close(fd);
	return n == (ssize_t)strlen(text);
}

__u64 now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

void nap_ms(long ms)
{
	const struct timespec t = {
		.tv_sec = ms / 1000,
		.tv_nsec = ms % 1000 * 1000000,
	};

	nanosleep(&t, NULL);
}

int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	t_need(dir, "opendir /proc/self/fd");
	while (readdir(dir))
		n++;
	closedir(dir);
	/* "." and ".." and the directory itself */
	return n - 3;
}

int count_files(void)
{
	char text[64];

	t_need(read_file("/proc/sys/fs/file-nr", text, sizeof(text)), "file-nr");
	return atoi(text);
}

int log_open(void)
{
	int log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	t_need(log >= 0 && lseek(log, 0, SEEK_END) >= 0, "/dev/kmsg");
	return log;
}

/* A record a read; EPIPE says that older ones were overwritten. */
bool log_next(int log, struct log_record *record)
{
	ssize_t n;

	do {
		n = read(log, record->text, sizeof(record->text) - 1);
	} while (n < 0 && errno == EPIPE);
	if (n <= 0)
		return false;
	record->text[n] = '\0';
	return true;
}

bool log_is_clean(int log)
{
	static const char * const bad[] = {
		"WARNING:", "BUG:", "refcount_t:", "Unable to handle kernel",
		"INFO: possible", "INFO: task", "rust_kernel: panicked",
	};
	struct log_record record;
	bool clean = true;

	while (log_next(log, &record)) {
		for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
			if (!strstr(record.text, bad[i]))
				continue;
			record.text[strcspn(record.text, "\n")] = '\0';
			ksft_print_msg("the kernel says: %s\n", record.text);
			clean = false;
		}
	}
	return clean;
}

bool has_64_bits(void)
{
	struct utsname u;

	t_need(!uname(&u), "uname");
	return sizeof(long) == 8 || strstr(u.machine, "64");
}

/* One of its functions by the name that the compiler gives it */
bool is_rust_core(void)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	bool found = false;
	char line[1024];

	t_need(f, "/proc/kallsyms");
	while (!found && fgets(line, sizeof(line), f))
		found = strstr(line, " _R") && strstr(line, "12dma_buf_core");
	fclose(f);
	return found;
}

bool has_bounce_buffers(void)
{
	char words[4096] = "";

	read_file("/proc/cmdline", words, sizeof(words));
	return strstr(words, "swiotlb=force");
}

long meminfo_kb(const char *key)
{
	char text[8192];
	const char *at;

	t_need(read_file("/proc/meminfo", text, sizeof(text)), "/proc/meminfo");
	at = strstr(text, key);
	return at ? strtol(at + strlen(key) + 1, NULL, 10) : 0;
}

long free_kb(void)
{
	FILE *f = fopen("/proc/zoneinfo", "re");
	char line[256];
	long n, pages = 0;

	t_need(f, "/proc/zoneinfo");
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, " count: %ld", &n) == 1)
			pages += n;
	fclose(f);
	return meminfo_kb("MemFree:") + pages * (sysconf(_SC_PAGESIZE) / 1024);
}

long slab_kb(void)
{
	glob_t found;

	if (!glob("/sys/kernel/slab/*/shrink", 0, NULL, &found)) {
		for (size_t i = 0; i < found.gl_pathc; i++)
			write_file(found.gl_pathv[i], "1");
		globfree(&found);
	}
	return meminfo_kb("SUnreclaim:");
}

static bool is_object(const char *line, unsigned long long *ino)
{
	return sscanf(line, "%*u %*x %*x %*d %*s %llu", ino) == 1;
}

int bufinfo_total(int *listed)
{
	char line[512];
	unsigned long long ino;
	int total = -1, value;
	FILE *f = fopen(BUFINFO, "re");

	t_need(f, BUFINFO " (debugfs mounted? CONFIG_DEBUG_FS?)");
	*listed = 0;
	while (fgets(line, sizeof(line), f)) {
		if (is_object(line, &ino))
			(*listed)++;
		if (strstr(line, " objects, ") &&
		    sscanf(line, "Total %d", &value) == 1)
			total = value;
	}
	fclose(f);
	return total;
}

int count_objects(void)
{
	int listed, total = bufinfo_total(&listed);

	return total == listed ? total : -1;
}

bool bufinfo_of(int fd, char *text, size_t len)
{
	ino_t wanted = inode_of(fd);
	unsigned long long ino;
	bool ours = false, found = false;
	char line[512];
	size_t used = 0;
	FILE *f = fopen(BUFINFO, "re");

	t_need(f, BUFINFO);
	text[0] = '\0';
	while (fgets(line, sizeof(line), f)) {
		if (is_object(line, &ino))
			ours = ino == wanted;
		found |= ours;
		if (ours && used + strlen(line) < len)
			used += sprintf(text + used, "%s", line);
		if (!strncmp(line, "Total", 5))
			ours = false;
	}
	fclose(f);
	return found;
}

int attached(int buf)
{
	/* a line for each device */
	static char text[65536];
	const char *at;

	if (!bufinfo_of(buf, text, sizeof(text)))
		return -1;
	at = strstr(text, "Total ");
	return at ? atoi(at + 6) : -1;
}

bool becomes_detached(int buf)
{
	for (int ms = 0; ms < PATIENCE_MS && attached(buf) > 0; ms += 20)
		nap_ms(20);
	return !attached(buf);
}

static void look(struct group *g)
{
	g->fds = count_fds();
	g->objects = count_objects();
	g->timelines = count_timelines();
	g->free_kb = free_kb();
}

/*
 * What was let go before is not this group's: a file that a worker closes is
 * released a little later. So either nothing is there, or what is there stays.
 */
static void settle(struct group *g)
{
	int objects = 0, timelines = 0;

	for (int tries = 0, same = 0; tries < 1500 && same < 100; tries++) {
		look(g);
		if (!g->objects && !g->timelines)
			return;
		same = g->objects == objects && g->timelines == timelines ?
		       same + 1 : 0;
		objects = g->objects;
		timelines = g->timelines;
		nap_ms(20);
	}
}

void group_begin(struct group *g, const char *name)
{
	ksft_print_msg("%s\n", name);
	g->name = name;
	settle(g);
}

/*
 * Some of what is freed comes back a little later (RCU, other CPUs), and what
 * was there when the group began may be gone.
 */
void group_end(const struct group *g)
{
	const long tolerance = MEMORY_TOLERANCE_KB(meminfo_kb("MemTotal:"));
	long missing = 0;
	struct group now;

	for (int tries = 0; tries < 3000; tries++) {
		/* the last resort: slabs may hold what their users gave back */
		if (tries == 40)
			slab_kb();
		look(&now);
		missing = g->free_kb - now.free_kb;
		if (now.fds == g->fds && now.objects <= g->objects &&
		    now.timelines <= g->timelines && missing <= tolerance)
			break;
		nap_ms(20);
	}
	if (now.fds != g->fds || now.objects > g->objects ||
	    now.timelines > g->timelines)
		ksft_print_msg("before: %d fds, %d dma-bufs, %d timelines; after: %d, %d and %d\n",
			       g->fds, g->objects, g->timelines, now.fds,
			       now.objects, now.timelines);
	ksft_test_result(now.fds == g->fds, "%s: no fd left\n", g->name);
	ksft_test_result(now.objects <= g->objects, "%s: no dma-buf left\n",
			 g->name);
	ksft_test_result(now.timelines <= g->timelines, "%s: no fence left\n",
			 g->name);
	if (missing > tolerance)
		ksft_print_msg("%ld KiB are missing\n", missing);
	ksft_test_result(missing <= tolerance,
			 "%s: memory is back\n", g->name);
}

__u32 fnv1a(const void *bytes, size_t len)
{
	const __u8 *at = bytes;
	__u32 sum = 2166136261U;

	while (len--)
		sum = (sum ^ *at++) * 16777619U;
	return sum;
}

static void on_alarm(int sig)
{
	(void)sig;
}

void interrupt_every_ms(unsigned int ms)
{
	const struct itimerval every = {
		.it_value.tv_usec = ms * 1000,
		.it_interval.tv_usec = ms * 1000,
	};
	const struct sigaction act = { .sa_handler = on_alarm };

	t_need(!sigaction(SIGALRM, &act, NULL), "sigaction");
	t_need(!setitimer(ITIMER_REAL, &every, NULL), "setitimer");
}
