// SPDX-License-Identifier: GPL-2.0

//! Printing by C, with formats that are checked when they are compiled.
//!
//! For what Rust does not print as C does: the bytes of names, which are left alone.

use super::export::Wrapper;
use crate::{
    bindings,
    prelude::*,
    seq_file::SeqFile, //
};
use core::marker::PhantomData;

/// What C prints.
///
/// # Safety
///
/// What [`to_c`](Self::to_c) gives is what each of the conversions takes, and stays so as long as
/// the value is borrowed.
pub unsafe trait Argument {
    /// What may follow a `%`, but for flags and width.
    const CONVERSIONS: &'static [&'static [u8]];
    /// What C takes.
    type C;

    /// The argument for C.
    fn to_c(&self) -> Self::C;
}

macro_rules! arguments {
    ($($ty:ty as $c:ty: $($conversion:literal)|+, $to_c:expr;)+) => {$(
        // SAFETY: See below.
        unsafe impl Argument for $ty {
            const CONVERSIONS: &'static [&'static [u8]] = &[$($conversion),+];
            type C = $c;

            #[inline(always)]
            fn to_c(&self) -> $c {
                let to_c: fn(&Self) -> $c = $to_c;

                to_c(self)
            }
        }
    )+};
}

// SAFETY: The modifiers are those for the sizes of these numbers. A string is one for C, and a time
// is what that conversion prints.
arguments! {
    u32 as u32: b"u" | b"x", |number| *number;
    u64 as u64: b"llu" | b"llx", |number| *number;
    i64 as i64: b"lld", |number| *number;
    usize as usize: b"zu" | b"zx", |number| *number;
    isize as isize: b"zd" | b"ld", |number| *number;
    &CStr as *const c_char: b"s", |string| string.as_char_ptr();
    Time as *const bindings::timespec64: b"ptSp", |time| &raw const time.0;
}

/// A time, printed as seconds, a dot, and nanoseconds.
pub struct Time(bindings::timespec64);

impl From<bindings::ktime_t> for Time {
    /// By C, which can divide 64 bits on any machine.
    #[inline]
    fn from(time: bindings::ktime_t) -> Self {
        // SAFETY: Any time may be split.
        Self(unsafe { bindings::ns_to_timespec64(time) })
    }
}

/// Whether `format` has one conversion for each argument, one of those that it may have.
// Inlined, so that there is no code of it: it runs in the compiler.
#[inline(always)]
const fn is_for(format: &[u8], arguments: &[&[&[u8]]]) -> bool {
    let (mut at, mut next) = (0, 0);

    while at < format.len() {
        at += 1;
        if format[at - 1] != b'%' {
            continue;
        }
        while at < format.len() && format[at].is_ascii_digit() {
            at += 1;
        }
        if next == arguments.len() || !starts_with_any(format, at, arguments[next]) {
            return false;
        }
        next += 1;
    }
    next == arguments.len()
}

/// Whether one of `words` is in `text` at `at`.
#[inline(always)]
const fn starts_with_any(text: &[u8], at: usize, words: &[&[u8]]) -> bool {
    let mut word = 0;

    while word < words.len() {
        let mut len = 0;

        while len < words[word].len() && at + len < text.len() && text[at + len] == words[word][len]
        {
            len += 1;
        }
        if len == words[word].len() {
            return true;
        }
        word += 1;
    }
    false
}

/// Where C prints.
enum To<'a> {
    File(&'a SeqFile),
    Room(&'a mut [u8]),
}

/// What C prints with one call.
pub trait Arguments: Sized {
    /// The conversions of each.
    const CONVERSIONS: &'static [&'static [&'static [u8]]];

    #[doc(hidden)]
    fn print_to(self, format: &Format<Self>, to: Printer<'_>);
}

/// Where [`Arguments`] are printed.
#[doc(hidden)]
pub struct Printer<'a>(To<'a>);

macro_rules! tuples {
    ($($($A:ident $a:ident),+;)+) => {$(
        impl<$($A: Argument),+> Arguments for ($($A,)+) {
            const CONVERSIONS: &'static [&'static [&'static [u8]]] = &[$($A::CONVERSIONS),+];

            #[inline(always)]
            fn print_to(self, format: &Format<Self>, to: Printer<'_>) {
                let ($($a,)+) = &self;
                let format = format.0.as_char_ptr();

                // SAFETY: By the type invariant of the format these are its arguments. The file is
                // valid, and the room is as large as C is told.
                unsafe {
                    match to.0 {
                        To::File(m) => bindings::seq_printf(m.as_c(), format, $($a.to_c()),+),
                        To::Room(room) => {
                            bindings::snprintf(
                                room.as_mut_ptr(),
                                room.len(),
                                format,
                                $($a.to_c()),+
                            );
                        }
                    }
                };
            }
        }
    )+};
}

tuples! {
    A a;
    A a, B b;
    A a, B b, C c;
    A a, B b, C c, D d;
    A a, B b, C c, D d, E e;
    A a, B b, C c, D d, E e, F f, G g;
}

/// A format of C's, for the arguments `A`: of other arguments it does not compile.
///
/// # Invariants
///
/// Its conversions are those of `A`.
///
/// # Examples
///
/// ```
/// use kernel::{interop::printf::Format, prelude::*};
///
/// const NAMED: Format<(&CStr, u32, u64)> = Format::new(c"%s: %08x %llu");
///
/// let mut room = [0; 32];
/// NAMED.write(&mut room, (c"name", 0xabc, 12));
/// assert_eq!(CStr::from_bytes_until_nul(&room), Ok(c"name: 00000abc 12"));
/// ```
pub struct Format<A>(&'static CStr, PhantomData<A>);

impl<A: Arguments> Format<A> {
    /// Checks the format.
    pub const fn new(format: &'static CStr) -> Self {
        assert!(is_for(format.to_bytes(), A::CONVERSIONS));
        // INVARIANT: Just checked.
        Self(format, PhantomData)
    }

    /// Prints to a file.
    #[inline(always)]
    pub fn print(&self, m: &SeqFile, arguments: A) {
        arguments.print_to(self, Printer(To::File(m)));
    }

    /// Prints to `room`, cut off where that ends, with a terminating zero.
    #[inline(always)]
    pub fn write(&self, room: &mut [u8], arguments: A) {
        arguments.print_to(self, Printer(To::Room(room)));
    }
}
