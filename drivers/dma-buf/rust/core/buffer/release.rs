// SPDX-License-Identifier: GPL-2.0

//! The end of a buffer.

use super::layout::life::Dying;
use kernel::warn_on;

/// Frees a buffer, unless somebody still uses it: then it is left as it is, and its module stays
/// loaded, since nothing that could be freed is sure not to be written to any more.
#[inline(always)]
pub(super) fn release(buf: Dying) {
    // Who uses it without a reference does so by mistake, and is left a buffer to do so.
    let [is_mapped, is_polled, is_attached] = buf.misuse();
    let is_mapped = warn_on!(is_mapped);
    let is_polled = warn_on!(is_polled);
    let is_attached = warn_on!(is_attached);

    if !(is_mapped || is_polled || is_attached) {
        buf.free();
    }
}
