"""The subcommands about models, one a module."""
