"""What the image build needs besides shell: see the Dockerfile and ``images/``."""
