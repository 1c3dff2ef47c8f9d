"""Who waits for what, and how: by blocking, or on an event loop."""
