// SPDX-License-Identifier: GPL-2.0
/*
 * Ground truth for dmabuf-top, in a guest: makes buffers whose holders are known, and compares what it says.
 *
 * usage: truth                          the comparison, as TAP
 *        truth PROCESSES BUFFERS CMD... so many processes hold so many buffers: what each command takes, in ns
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct heap_data { uint64_t len; uint32_t fd, fd_flags; uint64_t heap_flags; };
struct import { uint32_t flags; int32_t fd; };
struct timeline { uint32_t value; char name[32]; int32_t fence; };

#define HEAP_ALLOC	_IOWR('H', 0, struct heap_data)
#define SET_NAME	_IOW('b', 1, uint64_t)
#define IMPORT_FENCE	_IOW('b', 3, struct import)
#define CREATE_FENCE	_IOWR('W', 0, struct timeline)

static char json[1 << 22];
static int results;
static bool failed;

static void need(bool ok, const char *what)
{
	if (!ok) {
		printf("Bail out! %s\n", what);
		exit(1);
	}
}

static void ok(bool good, const char *what)
{
	failed |= !good;
	printf("%sok %d %s\n", good ? "" : "not ", ++results, what);
}

static int heap;

static int buffer(size_t size)
{
	struct heap_data data = { .len = size, .fd_flags = O_RDWR | O_CLOEXEC };

	need(!ioctl(heap, HEAP_ALLOC, &data), "allocate");
	return data.fd;
}

static unsigned long number_of(int fd)
{
	struct stat info;

	need(!fstat(fd, &info), "fstat");
	return info.st_ino;
}

static void *map(int fd, size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	need(at != MAP_FAILED, "map");
	return at;
}

/* Runs a command and keeps what it prints. */
static int run(const char *command)
{
	FILE *pipe = popen(command, "r");
	size_t filled;

	need(pipe, command);
	filled = fread(json, 1, sizeof(json) - 1, pipe);
	json[filled] = 0;
	return WEXITSTATUS(pclose(pipe));
}

/* What is said of one buffer. */
static const char *about(unsigned long ino)
{
	static char part[8192];
	char head[64];
	const char *start, *end;

	snprintf(head, sizeof(head), "{\"ino\":%lu,", ino);
	start = strstr(json, head);
	part[0] = 0;
	if (start) {
		end = strstr(start + 1, "{\"ino\":");
		if (!end)
			end = strstr(start, "],\"processes\":");
		snprintf(part, sizeof(part), "%.*s", end ? (int)(end - start) : 0, start);
	}
	return part;
}

static void says(unsigned long ino, const char *what, const char *part)
{
	bool good = strstr(about(ino), part);

	ok(good, what);
	if (!good)
		printf("# wanted %s in %s\n", part, about(ino));
}

static pid_t child(int closed, int mapped)
{
	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, "a (child) x");
		if (mapped >= 0) {
			map(mapped, 4096);
			close(mapped);
		}
		close(closed);
		for (;;)
			pause();
	}
	return pid;
}

/* What somebody without privilege is told. */
static bool told_what_is_missing(void)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		need(!setgid(65534) && !setuid(65534), "give up privilege");
		if (run("dmabuf-top --once --json") || !strstr(json, "{\"what\":\"descriptors\",\"processes\":") ||
		    !strstr(json, "{\"what\":\"attachments and fences\",\"processes\":null,\"why\":\"/sys/kernel/debug/dma_buf/bufinfo: not permitted") ||
		    !strstr(json, "\"total\":{\"buffers\":0,"))
			_exit(1);
		_exit(0);
	}
	return waitpid(pid, &status, 0) == pid && !status;
}

static void compare(void)
{
	int first = buffer(4096), second = buffer(8192), third = buffer(1 << 20), copy, sync;
	unsigned long inos[] = { number_of(first), number_of(second), number_of(third) };
	struct timeline timeline = { .value = 1, .name = "truth" };
	struct import import = { .flags = 2 };
	char line[256], numbers[64];
	pid_t one, two;

	need(!ioctl(first, SET_NAME, "first one") && !ioctl(second, SET_NAME, "a\nsize:\t7"), "name");
	map(third, 8192);
	close(third);
	sync = open("/sys/kernel/debug/sync/sw_sync", O_RDWR | O_CLOEXEC);
	need(sync >= 0 && !ioctl(sync, CREATE_FENCE, &timeline), "make a fence");
	import.fd = timeline.fence;
	need(!ioctl(first, IMPORT_FENCE, &import), "give the buffer a fence");
	one = child(second, first);
	two = child(first, -1);
	close(second);
	copy = fcntl(first, F_DUPFD_CLOEXEC, 0);
	usleep(300000);

	ok(!run("dmabuf-top --once --json"), "the command succeeds");
	says(inos[0], "size, name and exporter", "\"size\":4096,\"exact\":true,\"name\":\"first one\",\"exporter\":\"system\"");
	snprintf(numbers, sizeof(numbers), "\"share\":2048,\"descriptors\":[%d,%d],\"mappings\":[]", first, copy);
	says(inos[0], "this process: both descriptors", numbers);
	snprintf(line, sizeof(line), "{\"pid\":%d,\"process\":\"a (child) x\",\"share\":2048,\"descriptors\":[],\"mappings\":[{", one);
	says(inos[0], "a child: its mapping", line);
	says(inos[0], "the fence is pending", "\"pending\":true,\"pending_for\":0.0");
	says(inos[1], "a name with a line feed", "\"size\":8192,\"exact\":true,\"name\":\"a\\nsize:\\t7\"");
	snprintf(line, sizeof(line), "\"holders\":[{\"pid\":%d,\"process\":\"a (child) x\",\"share\":8192,\"descriptors\":[%d]", two, second);
	says(inos[1], "its one holder", line);
	says(inos[2], "a buffer that is only mapped, in part, has its whole size", "\"size\":1048576,\"exact\":true");
	says(inos[2], "its mapping", "\"length\":8192,\"offset\":0,\"permissions\":\"rw-s\"");
	ok(strstr(json, "\"total\":{\"buffers\":3,\"bytes\":1060864,"), "the total: each buffer once");
	ok(strstr(json, "\"nobody\":{\"buffers\":0,"), "nothing is left over");
	ok(strstr(json, "\"unseen\":[]"), "nothing was unseen");
	ok(told_what_is_missing(), "without privilege nothing is seen, and it is said");

	kill(two, SIGKILL);
	waitpid(two, NULL, 0);
	run("dmabuf-top --once --json");
	ok(strstr(json, "\"total\":{\"buffers\":2,"), "with its last holder a buffer goes");
	snprintf(line, sizeof(line), "dmabuf-top --once --buffer %lu", inos[0]);
	ok(!run(line) && strstr(json, "fence") && strstr(json, "pending"), "its tree");
	kill(one, SIGKILL);
	waitpid(one, NULL, 0);
	printf("1..%d\n", results);
}

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000ull + time.tv_nsec;
}

static void load(int processes, int buffers, char **commands)
{
	/* in the end all go but this one, and nobody else */
	setpgid(0, 0);
	signal(SIGTERM, SIG_IGN);
	for (int nth = 0; nth < processes; nth++) {
		if (fork())
			continue;
		signal(SIGTERM, SIG_DFL);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (int done = 0; done < buffers / processes; done++) {
			int fd = buffer(4096);

			if (done % 4 == 0)
				map(fd, 4096);
		}
		for (;;)
			pause();
	}
	sleep(20);
	for (; *commands; commands++) {
		for (int round = 0; round < 3; round++) {
			uint64_t start = now(), end;
			int status = system(*commands);

			end = now();
			printf("%llu ns, status %d: %s\n", (unsigned long long)(end - start), status, *commands);
			fflush(stdout);
		}
	}
	kill(0, SIGTERM);
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	heap = open("/dev/dma_heap/system", O_RDWR | O_CLOEXEC);
	need(heap >= 0, "open the system heap");
	if (argc > 3)
		load(atoi(argv[1]), atoi(argv[2]), argv + 3);
	else
		compare();
	return failed;
}
