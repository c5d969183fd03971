# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# dmabuf-top against buffers whose holders are known, and beside the main job.

. /jobs/lib.sh
program tap dmabuf-top 300 truth
. /jobs/main-job.sh
