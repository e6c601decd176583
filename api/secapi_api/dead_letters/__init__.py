"""Dead letters: jobs that used up their attempts; look at them, replay them, purge them."""
