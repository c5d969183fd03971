# SPDX-License-Identifier: GPL-2.0
"""What the gate of models must find in Rust and in C, each by itself, and what it must not."""

FOUND = r"""
flags.load(Acquire)
slot.active.cmpxchg(0, event.bit(), Full)
core::sync::atomic::fence(Ordering::SeqCst);
barrier::smp_mb(barrier::Write);
bindings::smp_store_release(p, 1);
set_current_state(state);
bindings::__set_current_state(state);
if has(fence, Flag::Signaled) {}
bindings::test_bit(0, flags)
bindings::test_bit_acquire(0, flags)
bindings::clear_bit_unlock(0, flags)
bindings::assign_bit(0, flags, true)
bindings::refcount_inc(r)
bindings::percpu_ref_tryget(r)
bindings::file_count(file)
bindings::try_module_get(module)
bindings::dma_fence_test_signaled_flag(fence)
bindings::atomic_inc(v)
bindings::atomic64_fetch_add_relaxed(1, v)
bindings::raw_atomic_read(v)
atomic_load(p, order)
bindings::try_cmpxchg(p, &mut old, new)
bindings::raw_try_cmpxchg_acquire(p, &mut old, new)
bindings::xchg_release(p, new)
bindings::rcu_assign_pointer(p, new)
bindings::rcu_replace_pointer(p, new, true)
bindings::rcu_dereference_raw(p)
bindings::list_add_rcu(new, head)
bindings::list_del_rcu(entry)
bindings::hlist_add_head_rcu(node, head)
bindings::hlist_del_init_rcu(node)
bindings::list_empty_careful(head)
bindings::list_first_or_null_rcu(head)
bindings::call_rcu(head, Some(free))
bindings::call_srcu(s, head, Some(free))
bindings::kvfree_call_rcu(head, p)
bindings::queue_rcu_work(queue, work)
bindings::rcu_barrier()
rcu::synchronize_rcu_expedited()
let list = clist_create!(head, A, B, node);
(&raw mut (*list).next).write_volatile(list)
(*fence).error
(&*fence).flags
(&mut *fence).flags = 0
(*self.0.as_raw()).num_fences
(*callbacks).next
(*(*head).prev).next
(*fence)\n.__bindgen_anon_2\n.timestamp
addr_of!((*f).flags).read()
ptr::read(&raw const (*f).error)
core::ptr::write(&raw mut (*f).error, 1)
ptr::read_unaligned(&raw const (*f.as_ptr()).refcount.refcount)
(&raw const (*f).flags).read()
(&raw const (*f).flags).cast::<u32>().read()
(&raw mut (*self.0.get()).error).write(1)
*(&raw const (*f).flags)
x.as_ref().flags
x.as_ref()?.error
x.as_ref().unwrap().num_fences
unsafe { x.as_mut() }.error = 1
unsafe { &*fence }.flags
let r = &*fence; r.flags
let r = unsafe { &*fence }; r.error
let mut r: &bindings::dma_fence = unsafe { &*fence }; r.error
let r = unsafe { fence.as_ref() }; g(r.flags)
let Some(r) = (unsafe { fence.as_ref() }) else { return }; r.flags
if let Some(r) = fence.as_ref() { r.flags }
fence.as_ref().map(|r| r.error)
fn g(r: &bindings::dma_fence) { r.flags }
fn g(head: &list_head) { head.next }
let p = &raw const (*f).flags; p.read()
let p = unsafe { &raw const (*f).flags }; ptr::read(p)
let p = (&raw mut (*f).error).cast::<u32>(); *p
"""

NOT_FOUND = """
let p = &raw const (*f).flags;
let p = &raw mut (*resv.as_raw()).refcount.refcount;
make_empty(&raw mut (*fence).__bindgen_anon_2.cb_list);
flags: &*(&raw const (*fence).flags).cast(),
(&raw const (*hook).data).read()
(*fence).seqno
let r = &*fence; r.seqno
let r = &*fence; r.flags(order)
let this = self.as_mut().project(); *this.value = None;
let p = &raw const (*f).seqno; p.read()
self.flags & WRITE
arg.flags
if self.next.is_none() { self.next }
next.read()
// (*fence).flags
g("(*fence).flags");
use kernel::sync::atomic::Relaxed;
fn set_current_state(state: u32) {}
fn atomic_load(p: *mut u32) {}
bindings::list_add(new, head)
bindings::smp_call_function_single(cpu, func, p, true)
self.has(1)
layout::has_no_list(resv)
let queue = work_queue(r);
Holder::current()
"""

FOUND_IN_C = """
READ_ONCE(*p)
smp_load_acquire(p)
atomic_long_read(v)
raw_atomic_read(v)
try_cmpxchg(p, &old, new)
try_cmpxchg_acquire(p, &old, new)
cmpxchg64(p, old, new)
xchg_release(p, new)
test_bit(nr, p)
test_bit_acquire(nr, p)
test_and_set_bit_lock(nr, p)
clear_bit_unlock(nr, p)
__assign_bit(nr, p, 1)
refcount_inc_not_zero(r)
percpu_ref_get(r)
folio_ref_count(folio)
page_count(page)
folio_count(folio)
file_count(file)
try_module_get(module)
module_put(module)
set_current_state(state)
__set_current_state(state)
rcu_assign_pointer(p, q)
rcu_access_pointer(p)
rcu_barrier()
call_rcu(head, func)
kfree_rcu(p, rcu)
kvfree_call_rcu(head, p)
synchronize_rcu()
synchronize_rcu_expedited()
synchronize_srcu(s)
list_add_tail_rcu(new, head)
hlist_del_rcu(node)
list_empty(head)
dma_fence_test_signaled_flag(fence)
"""

NOT_FOUND_IN_C = """
list_add(new, head)
folio_nr_pages(folio)
cond_resched()
dma_fence_lock_irqsave(fence, flags)
dma_sync_single_for_cpu(dev, addr, size, dir)
page_address(page)
rcu_read_lock()
"""

FOUND, NOT_FOUND, FOUND_IN_C, NOT_FOUND_IN_C = (
    [line.replace("\\n", "\n") for line in text.strip().splitlines()] for text in (FOUND, NOT_FOUND, FOUND_IN_C, NOT_FOUND_IN_C)
)
