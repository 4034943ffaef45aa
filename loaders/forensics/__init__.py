"""Evidence photos in classes: which classes, which files, which copies, and drawn stand-ins."""
