"""Settings for property tests."""

from hypothesis import settings

# Examples run beside servers and other tests on few cores: how long one takes says nothing about the code.
settings.register_profile("secapi", deadline=None)
settings.load_profile("secapi")
