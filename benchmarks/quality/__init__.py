"""Training runs behind the README's table."""
