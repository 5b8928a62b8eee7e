//! The heap of the module: all memory behind the module's data, for each instance from its
//! beginning.
//!
//! The standard library's heap only uses pages that it has added to the memory itself. In a memory
//! that an earlier instance has grown to its limit, it could add none.

#![expect(unsafe_code, reason = "an allocator hands out raw memory")]

use core::alloc::{GlobalAlloc, Layout};
use core::arch::wasm32::{memory_grow, memory_size};
use core::cell::UnsafeCell;
use core::ptr;
use core::sync::atomic::{AtomicBool, Ordering};

use dlmalloc::{Allocator, Dlmalloc};

const PAGE_BYTES: usize = 1 << 16;

unsafe extern "C" {
    /// Where the data of the module ends. The linker gives this symbol its address.
    static __heap_base: u8;
}

/// The pages behind the data, from the first one on.
struct Pages {
    /// Where the pages begin that are not given out yet; 0 before the first.
    next: UnsafeCell<usize>,
}

// SAFETY: pages are given out once each, and lie in the memory.
unsafe impl Allocator for Pages {
    fn alloc(&self, size: usize) -> (*mut u8, usize, u32) {
        let none = (ptr::null_mut(), 0, 0);
        // SAFETY: the module has one thread, and nothing borrows this meanwhile.
        let next = unsafe { &mut *self.next.get() };
        if *next == 0 {
            let base = &raw const __heap_base;
            *next = base.addr().next_multiple_of(PAGE_BYTES);
        }
        let Some(size) = size.checked_next_multiple_of(PAGE_BYTES) else { return none };
        let Some(end) = next.checked_add(size) else { return none };
        let missing = end.div_ceil(PAGE_BYTES).saturating_sub(memory_size(0));
        if missing > 0 && memory_grow(0, missing) == usize::MAX {
            EXHAUSTED.store(true, Ordering::Relaxed);
            return none;
        }
        let start = core::mem::replace(next, end);
        (ptr::with_exposed_provenance_mut(start), size, 0)
    }

    fn remap(&self, _: *mut u8, _: usize, _: usize, _: bool) -> *mut u8 {
        ptr::null_mut()
    }

    fn free_part(&self, _: *mut u8, _: usize, _: usize) -> bool {
        false
    }

    fn free(&self, _: *mut u8, _: usize) -> bool {
        false
    }

    fn can_release_part(&self, _: u32) -> bool {
        false
    }

    // An earlier instance has left its bytes there.
    fn allocates_zeros(&self) -> bool {
        false
    }

    fn page_size(&self) -> usize {
        PAGE_BYTES
    }
}

struct Heap(UnsafeCell<Dlmalloc<Pages>>);

// SAFETY: the module has one thread.
unsafe impl Sync for Heap {}

// SAFETY: `Dlmalloc` is an allocator, and none of its methods calls back.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        unsafe { (*self.0.get()).malloc(layout.size(), layout.align()) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        unsafe { (*self.0.get()).calloc(layout.size(), layout.align()) }
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        // SAFETY: as above, and the caller gives back what it got.
        unsafe { (*self.0.get()).free(start, layout.size(), layout.align()) }
    }

    unsafe fn realloc(&self, start: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as above.
        unsafe { (*self.0.get()).realloc(start, layout.size(), layout.align(), size) }
    }
}

static EXHAUSTED: AtomicBool = AtomicBool::new(false);

/// Whether more memory was asked for than there is.
pub(crate) fn exhausted() -> bool {
    EXHAUSTED.load(Ordering::Relaxed)
}

#[global_allocator]
static HEAP: Heap =
    Heap(UnsafeCell::new(Dlmalloc::new_with_allocator(Pages { next: UnsafeCell::new(0) })));
