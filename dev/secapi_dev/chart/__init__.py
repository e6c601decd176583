"""What is generated of the Helm chart ``charts/secapi``, or from it."""
