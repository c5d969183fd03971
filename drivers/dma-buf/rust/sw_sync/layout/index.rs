// SPDX-License-Identifier: GPL-2.0

//! Finding objects without owning them.

use core::{
    cmp::Ordering,
    marker::PhantomData,
    ptr::NonNull, //
};
use kernel::{
    bindings,
    bindings::rb_node,
    prelude::*,
    types::Opaque, //
};

/// What an object needs to have in it to be found by an [`Index`].
///
/// # Invariants
///
/// It belongs to the lock that the index is in. It is a node of the index's tree, or cleared in the
/// way of `RB_CLEAR_NODE()`.
#[repr(transparent)]
pub(crate) struct Links(Opaque<rb_node>);

// SAFETY: By the type invariant it belongs to a lock, and who has that may be on any thread.
unsafe impl Send for Links {}

// SAFETY: As above.
unsafe impl Sync for Links {}

impl Links {
    pub(crate) fn new() -> impl PinInit<Self> {
        // SAFETY: `slot` is memory for a node, and what is embedded in a pinned object stays there.
        // INVARIANT: It is cleared.
        unsafe {
            pin_init::pin_init_from_closure(|slot: *mut Self| {
                clear(slot.cast());
                Ok(())
            })
        }
    }
}

/// # Safety
///
/// `node` must be valid for writes, and not be in a tree.
unsafe fn clear(node: *mut rb_node) {
    // SAFETY: By the caller's guarantee.
    unsafe { (*node).__rb_parent_color = node.addr() };
}

/// An object that an [`Index`] finds by its key.
///
/// # Safety
///
/// `LINKS` must be the offset of a [`Links`] in the object, which nothing else uses than the one
/// index that the object may be in. The key must be constant.
pub(crate) unsafe trait Indexed {
    const LINKS: usize;
    type Key: Ord;

    fn key(&self) -> Self::Key;
}

/// The objects that announced themselves, by key. It keeps none of them alive.
///
/// Put into a lock: an object removes itself before it is freed, for which it needs the lock, so
/// that what is found stays valid while the lock is held. It may be on its way out nevertheless.
///
/// # Invariants
///
/// The nodes of the tree are those of the objects that were passed to [`Index::insert`] and have
/// not been taken out since. Such an object is valid.
pub(crate) struct Index<T> {
    root: bindings::rb_root,
    _p: PhantomData<NonNull<T>>,
}

// SAFETY: Gives nothing but shared references to `T`.
unsafe impl<T: Sync> Send for Index<T> {}

fn node_of<T: Indexed>(object: &T) -> *mut rb_node {
    // The node changes, while the object is only borrowed: it is `Opaque`.
    core::ptr::from_ref(object)
        .wrapping_byte_add(T::LINKS)
        .cast_mut()
        .cast()
}

/// # Safety
///
/// `node` must be NULL, or be in an object that is valid for `'a`.
unsafe fn object_of<'a, T: Indexed>(node: *mut rb_node) -> Option<&'a T> {
    // SAFETY: By the caller's guarantee.
    NonNull::new(node).map(|node| unsafe { node.byte_sub(T::LINKS).cast().as_ref() })
}

impl<T: Indexed> Index<T> {
    pub(crate) fn new() -> Self {
        Self {
            root: bindings::rb_root::default(),
            _p: PhantomData,
        }
    }

    /// Adds an object. If there is one of the same key it is shown to `prefer`, and stays if that
    /// returns something, which is returned. Else the new one takes its place.
    ///
    /// # Safety
    ///
    /// `object` must not be in the index. It must not move, and stay valid until it was passed to
    /// [`Index::remove`].
    pub(crate) unsafe fn insert<R>(
        &mut self,
        object: &T,
        prefer: impl FnOnce(&T) -> Option<R>,
    ) -> Option<R> {
        let node = node_of(object);
        let mut parent = core::ptr::null_mut();
        let mut link = &raw mut self.root.rb_node;

        // INVARIANT: By the caller's guarantee.
        // SAFETY: `link` is the root or a child of `parent`, which is a node of the tree, and by
        // the type invariant in an object. `node` is not in the tree, and what it replaces is not
        // any more.
        unsafe {
            while let Some(other) = object_of::<T>(*link) {
                let order = object.key().cmp(&other.key());

                parent = *link;
                link = match order {
                    Ordering::Less => &raw mut (*parent).rb_left,
                    Ordering::Greater => &raw mut (*parent).rb_right,
                    Ordering::Equal => {
                        let preferred = prefer(other);
                        if preferred.is_none() {
                            bindings::rb_replace_node(parent, node, &raw mut self.root);
                            clear(parent);
                        }
                        return preferred;
                    }
                };
            }
            bindings::rb_link_node(node, parent, link);
            bindings::rb_insert_color(node, &raw mut self.root);
        }
        None
    }

    /// Takes `object` out, unless it is out already.
    pub(crate) fn remove(&mut self, object: &T) {
        let node = node_of(object);

        // SAFETY: By the guarantee of `Indexed` the node is cleared, or in this tree and nowhere
        // else.
        unsafe {
            if (*node).__rb_parent_color != node.addr() {
                bindings::rb_erase(node, &raw mut self.root);
                clear(node);
            }
        }
    }

    /// The object of the smallest key.
    pub(crate) fn first(&self) -> Option<&T> {
        // SAFETY: The tree is valid, and by the type invariant made of objects; to remove one the
        // borrow has to end.
        unsafe { object_of(bindings::rb_first(&self.root)) }
    }

    /// The first object whose key is `key` or greater.
    pub(crate) fn first_from(&self, key: &T::Key) -> Option<&T> {
        let mut found = None;
        let mut node = self.root.rb_node;

        // SAFETY: The root and the children of a node are NULL or nodes of the tree, and by the
        // type invariant of objects; to remove one the borrow has to end.
        while let Some(object) = unsafe { object_of::<T>(node) } {
            // SAFETY: As above.
            node = unsafe {
                if object.key() < *key {
                    (*node).rb_right
                } else {
                    found = Some(object);
                    (*node).rb_left
                }
            };
        }
        found
    }

    /// The objects, by ascending key.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        core::iter::successors(self.first(), |object| {
            // SAFETY: As for `first`. What was found in the tree is in it while that is borrowed.
            unsafe { object_of(bindings::rb_next(node_of(*object))) }
        })
    }
}
