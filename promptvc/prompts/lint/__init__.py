"""What is odd about a prompt: for `check`, which reports and goes on."""
