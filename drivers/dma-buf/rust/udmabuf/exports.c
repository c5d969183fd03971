// SPDX-License-Identifier: GPL-2.0
/*
 * What the Rust implementation of udmabuf leaves to C: parameters that change
 * while the kernel runs. There is no logic here.
 */

#include <linux/limits.h>
#include <linux/moduleparam.h>

int udmabuf_list_limit = 1024;
module_param_named(list_limit, udmabuf_list_limit, int, 0644);
MODULE_PARM_DESC(list_limit, "Most items in a list (default: 1024)");

int udmabuf_size_limit_mb = INT_MAX;
module_param_named(size_limit_mb, udmabuf_size_limit_mb, int, 0644);
MODULE_PARM_DESC(size_limit_mb, "Most megabytes in a buffer (default: no limit)");
