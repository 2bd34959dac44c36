"""Bytes at a location: files and folders of this machine, HTTP, object stores, archives."""
