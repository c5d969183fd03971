// SPDX-License-Identifier: GPL-2.0

//! The files of a heap's device in sysfs, which tell what its buffers are like.
//!
//! `Documentation/ABI/testing/sysfs-class-dma_heap` describes them.

use super::properties::Properties;
use crate::{
    bindings,
    dma_buf::trampoline::{
        three,
        Mut,
        Ref,
        Value, //
    },
    interop::object::Constant,
    page::PAGE_SIZE,
    prelude::*,
    str::{
        as_char_ptr_in_const_context,
        Formatter, //
    },
    types::Opaque, //
};
use core::{
    fmt::{
        Display,
        Write, //
    },
    ptr, //
};

/// The device of a heap that has properties.
///
/// # Invariants
///
/// It is one, which was added with a pointer to a structure that begins with [`Properties`] and
/// stays as long as the device.
#[repr(transparent)]
struct HeapDevice(Opaque<bindings::device>);

impl HeapDevice {
    fn properties(&self) -> &Properties {
        // SAFETY: By the type invariant. The device's data is what the heap was added with.
        unsafe { &*bindings::dev_get_drvdata(self.0.get()).cast() }
    }
}

/// The page that a file of sysfs is read from.
type Page = [u8; PAGE_SIZE];

/// Returns the length of the line.
fn show(page: &mut Page, value: impl Display) -> isize {
    let mut line = Formatter::new(page);

    // It has room for more than a line.
    let _ = writeln!(line, "{value}");
    line.bytes_written() as isize
}

#[inline(never)]
fn number(page: &mut Page, value: usize) -> isize {
    show(page, value)
}

#[inline(never)]
fn word(page: &mut Page, value: &str) -> isize {
    show(page, value)
}

/// The name and mode of a file. With lockdep it has more fields.
const fn readable(name: &'static CStr) -> bindings::attribute {
    let mut attr: bindings::attribute = pin_init::zeroed();

    attr.name = as_char_ptr_in_const_context(name);
    attr.mode = 0o444;
    attr
}

/// A file that shows one of the properties.
macro_rules! file {
    ($name:literal, $show:ident, |$of:ident| $value:expr) => {
        Constant::new(bindings::device_attribute {
            attr: readable($name),
            __bindgen_anon_1: bindings::device_attribute__bindgen_ty_1 {
                show: Some(three::<
                    Ref<HeapDevice, _>,
                    Value<*mut bindings::device_attribute>,
                    Mut<Page, c_char>,
                    isize,
                    _,
                >(|device: &HeapDevice, _, page: &mut Page| {
                    let $of = device.properties();

                    $show(page, $value)
                })),
            },
            ..pin_init::zeroed()
        })
    };
}

static FILES: [Constant<bindings::device_attribute>; 5] = [
    file!(c"alignment", number, |of| of.alignment),
    file!(c"cached", number, |of| usize::from(of.cached)),
    file!(c"contiguous", number, |of| usize::from(of.contiguous)),
    file!(c"memory", word, |of| of.memory.name()),
    file!(c"zeroed_ahead", number, |of| usize::from(of.zeroed_ahead)),
];

static LIST: Constant<[*const bindings::device_attribute; 6]> = Constant::new([
    FILES[0].as_ptr(),
    FILES[1].as_ptr(),
    FILES[2].as_ptr(),
    FILES[3].as_ptr(),
    FILES[4].as_ptr(),
    ptr::null(),
]);

static GROUP: Constant<bindings::attribute_group> = Constant::new(bindings::attribute_group {
    __bindgen_anon_2: bindings::attribute_group__bindgen_ty_2 {
        // CAST: An attribute of a device begins with its attribute.
        attrs_const: LIST.as_ptr().cast(),
    },
    ..pin_init::zeroed()
});

static GROUPS: Constant<[*const bindings::attribute_group; 2]> =
    Constant::new([GROUP.as_ptr(), ptr::null()]);

/// The files, for the device of a heap that is added with a pointer to a structure which begins
/// with [`Properties`].
pub(super) fn groups() -> *mut *const bindings::attribute_group {
    // CAST: C does not write to it.
    GROUPS.as_ptr().cast_mut().cast()
}
