"""What schedules, policies and scanners have in common: they are kept in Kubernetes and nowhere else."""
