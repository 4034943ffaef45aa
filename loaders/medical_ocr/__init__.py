"""Medical documents and receipts with questions about them: readers, builder, synthesis."""
