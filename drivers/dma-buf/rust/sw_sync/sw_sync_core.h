/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SW_SYNC_CORE_H
#define _SW_SYNC_CORE_H

/* What exports.c calls in the Rust crate. */

int rust_sw_sync_init(void);
void rust_sw_sync_exit(void);

#endif /* _SW_SYNC_CORE_H */
