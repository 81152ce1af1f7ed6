//! Counts the memory that a thread holds, so that a test can say what a read may take.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

thread_local! {
    /// Bytes held now and the most since it was last reset. A block that another thread frees counts there, below zero.
    static HELD: Cell<(isize, isize)> = const { Cell::new((0, 0)) };
}

struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

fn count(bytes: isize) {
    // A thread that ends has no counter any more.
    let _ = HELD.try_with(|held| {
        let (now, most) = held.get();
        held.set((now + bytes, most.max(now + bytes)));
    });
}

#[expect(unsafe_code, reason = "an allocator cannot be written without")]
// SAFETY: every call goes to the system's allocator as it came; the counters do not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size().cast_signed());
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size().cast_signed());
        // SAFETY: the caller keeps the contract of `alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        count(-layout.size().cast_signed());
        // SAFETY: the block is one of the system's, with this layout.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size.cast_signed() - layout.size().cast_signed());
        // SAFETY: the block is one of the system's, with this layout.
        unsafe { System.realloc(block, layout, size) }
    }
}

/// Bytes that this thread holds.
pub(super) fn live() -> isize {
    HELD.with(Cell::get).0
}

/// The most that this thread holds, beyond what it held at the start.
pub(super) struct Peak(isize);

impl Peak {
    pub(super) fn start() -> Self {
        let now = live();
        HELD.with(|held| held.set((now, now)));
        Peak(now)
    }

    pub(super) fn bytes(&self) -> usize {
        let (_, most) = HELD.with(Cell::get);
        usize::try_from(most - self.0).unwrap_or_default()
    }
}
