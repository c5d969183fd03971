// SPDX-License-Identifier: GPL-2.0
/*
 * What C drivers see in the structures: loads view.ko, which looks into them,
 * and at what it found out.
 */
#include <fcntl.h>
#include <sys/syscall.h>

#include "common.h"

/* Far fewer checks would mean that the module gave up early. */
#define CHECKS	100

static int parameter(const char *name)
{
	char path[64], text[32] = "-1";

	snprintf(path, sizeof(path), "/sys/module/view/parameters/%s", name);
	read_file(path, text, sizeof(text));
	return atoi(text);
}

int main(int argc, char **argv)
{
	int module, line;

	t_begin();
	module = open_module(argc > 1 ? argv[1] : NULL, "view");
	if (module < 0) {
		t_skip("no view.ko beside this program: %s", strerror(errno));
		return t_end();
	}
	t_err(syscall(SYS_finit_module, module, "", 0), 0, "load");
	line = parameter("failed_line");
	if (line)
		t_note("view.c:%d", line);
	t_ok(!line, "structures and inline functions show what the core has done");
	t_ok(parameter("checks") >= CHECKS, "all of it was looked at");
	t_ok(parameter("released") == 2, "both buffers were released");
	t_err(syscall(SYS_delete_module, "view", O_NONBLOCK), 0, "unload");
	close(module);
	return t_end();
}
