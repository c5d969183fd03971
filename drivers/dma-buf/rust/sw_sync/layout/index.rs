// SPDX-License-Identifier: GPL-2.0

//! Finding objects without owning them.

use core::{
    cmp::Ordering,
    marker::PhantomData,
    ptr::NonNull, //
};
use kernel::{
    bindings::{
        self,
        rb_node,
        rb_root, //
    },
    interop::object::Object,
    sync::atomic::{
        Acquire,
        Atomic,
        Relaxed,
        Release, //
    }, //
};

/// What an object needs to have in it to be found by an [`Index`].
///
/// # Invariants
///
/// `node` is all zero, or a node of the tree of the one index that the object may be in. `is_in`
/// says which, while nobody has the lock of the index. The node does not: its parent and colour are
/// zero for a moment when it is the root and another one is inserted.
#[repr(C)]
pub(crate) struct Links {
    node: Object<rb_node>,
    is_in: Atomic<bool>,
}

impl Links {
    pub(crate) const fn new() -> Self {
        // INVARIANT: In no tree.
        Self {
            node: Object::zeroed(),
            is_in: Atomic::new(false),
        }
    }

    /// For who has the lock.
    fn is_in(&self) -> bool {
        // MODEL: none, because the index is locked.
        self.is_in.load(Relaxed)
    }

    fn set_in(&self) {
        // MODEL: none, because the index is locked, and who releases the object got it after that.
        self.is_in.store(true, Relaxed);
    }

    fn set_out(&self) {
        // MODEL: sw-sync-dying
        self.is_in.store(false, Release);
    }
}

/// An object that an [`Index`] finds by its key.
///
/// # Safety
///
/// `LINKS` must be the offset of a [`Links`] in the object, those of `links`, and the key be
/// constant. There must be one index that an object is passed to, all its life. Once it was
/// inserted it must not move, and before it is freed it must be [removed](Index::remove), unless
/// [no index has it](Index::may_have).
pub(crate) unsafe trait Indexed: 'static {
    const LINKS: usize;
    type Key: Ord;

    fn key(&self) -> Self::Key;
    fn links(&self) -> &Links;
}

/// The objects that announced themselves, by key. It keeps none of them alive.
///
/// Put into a lock: an object is removed before it is freed, for which the lock is needed, so that
/// what is found stays valid until it is taken out or the lock is released. It may be on its way
/// out nevertheless.
///
/// # Invariants
///
/// The nodes of the tree are those of the objects that were passed to [`Index::insert`] and have
/// not been taken out since. Such an object is valid. Who has a reference has the lock.
pub(crate) struct Index<T: Indexed> {
    root: Object<rb_root>,
    // It gives nothing but shared references.
    _p: PhantomData<&'static T>,
}

// Nodes do not say where the root is.
impl<T: Indexed> Unpin for Index<T> {}

fn node_of<T: Indexed>(object: &T) -> *mut rb_node {
    // The node changes, while the object is only borrowed: it is `Object`.
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
    pub(crate) const fn new() -> Self {
        Self {
            root: Object::zeroed(),
            _p: PhantomData,
        }
    }

    /// Adds an object that is in no index. If there is one of the same key it is shown to `prefer`,
    /// and stays if that returns something, which is returned. Else the new one takes its place.
    pub(crate) fn insert<R>(
        &mut self,
        object: &T,
        prefer: impl FnOnce(&T) -> Option<R>,
    ) -> Option<R> {
        let root = self.root.get();
        let node = node_of(object);
        let mut parent = core::ptr::null_mut();

        if object.links().is_in() {
            return None;
        }
        // INVARIANT: By the contract of `Indexed`.
        // SAFETY: `link` is the root or a child of `parent`, which is a node of the tree, and by
        // the type invariant in an object. `node` is not in the tree, or nothing is done, and what
        // it replaces is not any more.
        unsafe {
            let mut link = &raw mut (*root).rb_node;

            while let Some(other) = object_of::<T>(*link) {
                let order = object.key().cmp(&other.key());

                parent = *link;
                link = match order {
                    Ordering::Less => &raw mut (*parent).rb_left,
                    Ordering::Greater => &raw mut (*parent).rb_right,
                    Ordering::Equal => {
                        let preferred = prefer(other);
                        if preferred.is_none() {
                            bindings::rb_replace_node(parent, node, root);
                            object.links().set_in();
                            other.links().set_out();
                        }
                        return preferred;
                    }
                };
            }
            bindings::rb_link_node(node, parent, link);
            bindings::rb_insert_color(node, root);
        }
        object.links().set_in();
        None
    }

    /// Whether `object` is in an index. Needs no lock: if it is not, who has taken it out is done
    /// with it, unless there was a reference for that.
    pub(crate) fn may_have(object: &T) -> bool {
        // MODEL: sw-sync-dying
        object.links().is_in.load(Acquire)
    }

    /// Takes `object` out, unless it is out already.
    pub(crate) fn remove(&self, object: &T) {
        if object.links().is_in() {
            // SAFETY: By the type invariants the node is in this tree and nowhere else.
            unsafe { bindings::rb_erase(node_of(object), self.root.get()) };
            object.links().set_out();
        }
    }

    /// Shows the first object from `from` on to `take`, and takes it out if that returns something.
    pub(crate) fn take_from<R>(
        &mut self,
        from: &T::Key,
        take: impl FnOnce(&T) -> Option<R>,
    ) -> Option<R> {
        let object = self.first_from(from)?;
        let taken = take(object)?;

        // Whoever wants to free it finds it in the tree until then, and needs the lock.
        self.remove(object);
        Some(taken)
    }

    /// The first object.
    pub(crate) fn first(&self) -> Option<&T> {
        // SAFETY: As in `first_from`.
        unsafe { object_of(bindings::rb_first(self.root.get())) }
    }

    /// The first object whose key is `from` or greater.
    pub(crate) fn first_from(&self, from: &T::Key) -> Option<&T> {
        let mut found = None;

        // SAFETY: The root and the children of a node are NULL or nodes of the tree, and by the
        // type invariant of objects; to remove one the borrow has to end.
        unsafe {
            let mut node = (*self.root.get()).rb_node;

            while let Some(object) = object_of::<T>(node) {
                node = if object.key() < *from {
                    (*node).rb_right
                } else {
                    found = Some(object);
                    (*node).rb_left
                };
            }
        }
        found
    }
}
