"""The command line ``secapi``, which is also the kubectl plugin ``kubectl secapi``."""
