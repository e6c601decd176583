"""One module per message that workers take."""
