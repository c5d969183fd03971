// SPDX-License-Identifier: GPL-2.0

//! Pages that others can see are not written to in Rust as if they were ours.

use kernel::{
    dma_buf::PageBlock,
    prelude::*,
    sync::Arc, //
};

fn shared(mut block: PageBlock) -> Result {
    block.write(0, b"ours")?;

    let shared = Arc::new(block, GFP_KERNEL)?;
    #[cfg(misuse)]
    shared.write(0, b"theirs")?; //~ ERROR cannot borrow data in dereference of `Arc<PageBlock>` as mutable
    shared.run().read(0, &mut [0; 4])
}

fn lent(mut block: PageBlock) -> Result {
    let run = block.run();

    #[cfg(misuse)]
    block.write(0, b"theirs")?; //~ ERROR cannot borrow `block` as mutable
    run.read(0, &mut [0; 4])?;
    block.write(0, b"ours again")
}
