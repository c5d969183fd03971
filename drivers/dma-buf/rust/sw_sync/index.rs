// SPDX-License-Identifier: GPL-2.0

//! Finding objects without owning them.

use core::ptr::{
    self,
    NonNull, //
};
use kernel::{
    prelude::*,
    rbtree::{
        RBTree,
        RBTreeNodeReservation, //
    },
};

/// The objects that announced themselves, by key. It keeps none of them alive.
///
/// Put into a lock: an object removes itself before it is freed, for which it needs the lock, so
/// that what is found stays valid while the lock is held. It may be on its way out nevertheless.
///
/// # Invariants
///
/// Each pointer in the tree was passed to [`Index::insert`], and its object has not called
/// [`Index::remove`] since. Such an object is valid.
pub(crate) struct Index<K, T>(RBTree<K, NonNull<T>>);

// SAFETY: Gives nothing but shared references to `T`.
unsafe impl<K: Send, T: Sync> Send for Index<K, T> {}

/// Memory for one more entry, allocated before the lock is taken.
pub(crate) struct Room<K, T>(RBTreeNodeReservation<K, NonNull<T>>);

impl<K, T> Room<K, T> {
    /// Fails with `ENOMEM`. May sleep.
    pub(crate) fn new() -> Result<Self> {
        Ok(Self(RBTreeNodeReservation::new(GFP_KERNEL)?))
    }
}

impl<K: Ord + Copy, T> Index<K, T> {
    pub(crate) fn new() -> Self {
        Self(RBTree::new())
    }

    /// Adds an object. If there is one of the same key, it takes its place.
    ///
    /// # Safety
    ///
    /// `object` must not move, and stay valid until it was passed to [`Index::remove`] with `key`.
    pub(crate) unsafe fn insert(&mut self, room: Room<K, T>, key: K, object: &T) {
        // INVARIANT: By the caller's guarantee.
        self.0.insert(room.0.into_node(key, object.into()));
    }

    /// Takes `object` out, unless it is out already.
    pub(crate) fn remove(&mut self, key: &K, object: &T) {
        if let Some(entry) = self.0.find_mut(key) {
            if ptr::eq(entry.get().as_ptr(), object) {
                entry.remove_node();
            }
        }
    }

    /// The object with the given key.
    pub(crate) fn get(&self, key: &K) -> Option<&T> {
        // SAFETY: By the type invariant; to remove it the borrow has to end.
        self.0.get(key).map(|object| unsafe { object.as_ref() })
    }

    /// The first object whose key is `key` or greater, with its key.
    pub(crate) fn first_from(&self, key: &K) -> Option<(K, &T)> {
        let cursor = self.0.cursor_lower_bound(key)?;
        let (key, object) = cursor.current();

        // SAFETY: By the type invariant; to remove it the borrow has to end.
        Some((*key, unsafe { object.as_ref() }))
    }

    /// Takes out the first object, if its key is `last` or less.
    pub(crate) fn pop_up_to(&mut self, last: &K) -> Option<&T> {
        let cursor = self.0.cursor_front_mut()?;

        if cursor.current().0 > last {
            return None;
        }

        let (_, object) = cursor.remove_current().1.to_key_value();
        // SAFETY: By the type invariant it was valid when it was in the tree. To be freed it needs
        // the index, also when it is out already, and so the borrow has to end.
        Some(unsafe { object.as_ref() })
    }

    /// The objects, by ascending key.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        // SAFETY: By the type invariant; to remove one the borrow has to end.
        self.0.values().map(|object| unsafe { object.as_ref() })
    }
}
