"""The store with pyoxigraph in this process: on a folder or in memory, with its index."""
