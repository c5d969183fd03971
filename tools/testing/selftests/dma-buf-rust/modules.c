// SPDX-License-Identifier: GPL-2.0
/*
 * Loading and unloading modules, and what is left of them afterwards.
 */
#include <dirent.h>
#include <fcntl.h>
#include <libgen.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common.h"
#include "modules.h"

void modules_add(struct modules *all, const char *path)
{
	char copy[512], *base, *dot;
	struct module *m = &all->list[all->n++];

	t_need(all->n <= MAX_MODULES, "fewer modules");
	snprintf(copy, sizeof(copy), "%s", path);
	base = basename(copy);
	dot = strchr(base, '.');
	if (dot)
		*dot = '\0';
	for (char *p = base; *p; p++)
		if (*p == '-')
			*p = '_';
	m->path = path;
	snprintf(m->name, sizeof(m->name), "%.55s", base);
}

bool module_is_loaded(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/module/%s/refcnt", name);
	return !access(path, F_OK);
}

bool module_has_users(const char *name)
{
	char path[128];
	struct dirent *e;
	bool any = false;
	DIR *dir;

	snprintf(path, sizeof(path), "/sys/module/%s/holders", name);
	dir = opendir(path);
	if (!dir)
		return false;
	while ((e = readdir(dir)))
		any |= e->d_name[0] != '.';
	closedir(dir);
	return any;
}

int open_module(const char *given, const char *name)
{
	char self[256] = "", path[512];
	struct utsname kernel;
	int fd;

	if (given)
		return open(given, O_RDONLY | O_CLOEXEC);
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/%s.ko", dirname(self), name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	snprintf(path, sizeof(path), "%s/test_modules/%s.ko", self, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 || uname(&kernel))
		return fd;
	snprintf(path, sizeof(path), "/lib/modules/%s/kernel/samples/rust/%s.ko",
		 kernel.release, name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

int insert_module(int module, const char *params)
{
	return syscall(SYS_finit_module, module, params, 0);
}

bool t_load_module(const char *given, const char *name)
{
	int module = open_module(given, name), ret;

	if (module < 0) {
		t_skip("no %s.ko beside this program: %s", name, strerror(errno));
		return false;
	}
	ret = insert_module(module, "");
	t_err(ret, 0, "load %s.ko", name);
	close(module);
	return !ret;
}

int module_load(const struct module *m)
{
	int fd = open(m->path, O_RDONLY | O_CLOEXEC);
	int ret, err;

	t_need(fd >= 0, m->path);
	ret = insert_module(fd, "");
	err = errno;
	close(fd);
	errno = err;
	return ret;
}

int module_unload(const char *name)
{
	return syscall(SYS_delete_module, name, O_NONBLOCK);
}

/* Some references are dropped by a worker, after what they were for is gone. */
int module_unload_soon(const char *name)
{
	int ret = module_unload(name);

	for (int ms = 0; ret && errno == EAGAIN && ms < PATIENCE_MS; ms += 10) {
		nap_ms(10);
		ret = module_unload(name);
	}
	return ret;
}

bool modules_load(const struct modules *all)
{
	for (int i = 0; i < all->n; i++) {
		if (!module_load(&all->list[i]))
			continue;
		t_note("load %s: %s", all->list[i].name, strerror(errno));
		return false;
	}
	return true;
}

bool modules_unload(const struct modules *all)
{
	bool done = true;

	for (int i = all->n - 1; i >= 0; i--) {
		const char *name = all->list[i].name;

		if (!module_is_loaded(name) || !module_unload_soon(name))
			continue;
		t_note("unload %s: %s", name, strerror(errno));
		done = false;
	}
	return done;
}

static long count_lines(const char *path)
{
	FILE *f = fopen(path, "re");
	char line[512];
	long n = 0;

	t_need(f, path);
	while (fgets(line, sizeof(line), f))
		n += !!strchr(line, '\n');
	fclose(f);
	return n;
}

void memory_look(struct memory *m)
{
	char line[512];
	FILE *f;

	m->n = 0;
	/* what waits for RCU counts as used, and comes back for the second time */
	slab_kb();
	nap_ms(300);
	slab_kb();
	nap_ms(100);
	/* what each CPU has counted for itself */
	write_file("/proc/sys/vm/stat_refresh", "1");
	f = fopen("/proc/slabinfo", "re");
	t_need(f, "/proc/slabinfo");
	while (fgets(line, sizeof(line), f) && m->n < MAX_CACHES)
		if (sscanf(line, "%47s %ld", m->caches[m->n].name,
			   &m->caches[m->n].objects) == 2)
			m->n++;
	fclose(f);
	m->vmalloc = count_lines("/proc/vmallocinfo");
	m->percpu_kb = meminfo_kb("Percpu:");
	m->free_kb = free_kb();
}

static bool grew(const char *what, long before, long after, long most, bool tell)
{
	if (after - before <= most)
		return false;
	if (tell)
		t_note("%s: %ld before, %ld after", what, before, after);
	return true;
}

static long objects_of(const struct memory *m, const char *name)
{
	for (int i = 0; i < m->n; i++)
		if (!strcmp(m->caches[i].name, name))
			return m->caches[i].objects;
	return 0;
}

/* Whether at least so much more is in use now */
static bool memory_grew(const struct memory *before, const struct memory *after,
			long rounds, long kb, bool tell)
{
	bool more = false;

	for (int i = 0; i < after->n; i++)
		more |= grew(after->caches[i].name,
			     objects_of(before, after->caches[i].name),
			     after->caches[i].objects, rounds - 1, tell);
	more |= grew("vmalloc mappings", before->vmalloc, after->vmalloc,
		     rounds - 1, tell);
	more |= grew("kB of per-cpu memory", before->percpu_kb,
		     after->percpu_kb, kb - 1, tell);
	more |= grew("kB in use", -before->free_kb, -after->free_kb, kb - 1,
		     tell);
	return more;
}

bool memory_is_back(const struct memory *before, long rounds, long kb, int looks)
{
	static struct memory after;

	/* a kernel that remembers who has allocated what knows leaks better */
	if (!access("/sys/kernel/debug/kmemleak", F_OK))
		kb *= 4;
	/* what is freed by RCU or a work item may take its time */
	for (int tries = 0; tries < looks; tries++) {
		memory_look(&after);
		if (!memory_grew(before, &after, rounds, kb, false))
			return true;
	}
	memory_grew(before, &after, rounds, kb, true);
	return false;
}

bool nothing_is_lost(int n, long objects, bool (*cycle)(void *with), void *with)
{
	const int warm_up = 3, most_runs = 3;
	static struct memory before;
	int done;

	for (int i = 0; i < warm_up; i++)
		cycle(with);
	for (int run = 1;; run++) {
		memory_look(&before);
		done = 0;
		while (done < n && cycle(with))
			done++;
		t_ok(done == n, "%d times loaded, used and unloaded", n);
		if (memory_is_back(&before, objects, n * (long)page_size() / 1024,
				   run == most_runs ? MANY_LOOKS : MANY_LOOKS / 5))
			return true;
		if (run == most_runs || done < n)
			return false;
		t_note("once more: a leak is there each time");
	}
}

bool sample_prints(const char *name, const char *arg, char *text, size_t len)
{
	char path[512] = "";
	int out[2], status = -1;
	size_t used = 0;
	ssize_t n;
	pid_t pid;

	if (readlink("/proc/self/exe", path, sizeof(path) - 1) < 0)
		path[0] = '\0';
	dirname(path);
	strcat(path, "/");
	strcat(path, name);
	if (access(path, X_OK)) {
		t_skip("no %s beside this program", name);
		return false;
	}
	t_need(!pipe(out), "pipe");
	pid = fork();
	if (!pid) {
		dup2(out[1], STDOUT_FILENO);
		execl(path, name, arg, NULL);
		_exit(127);
	}
	close(out[1]);
	while ((n = read(out[0], text + used, len - 1 - used)) > 0)
		used += n;
	text[used] = '\0';
	close(out[0]);
	waitpid(pid, &status, 0);
	t_ok(!status, "%s ends well", name);
	return true;
}

int open_drm_module(const char *given, const char *path, const char *name)
{
	int fd = open_module(given, path);

	if (fd < 0 && (module_is_loaded("drm") || access("/sys/class/drm", F_OK)))
		t_skip("no %s.ko: DRM is not built in", name);
	else
		t_need(fd >= 0, name);
	return fd;
}
