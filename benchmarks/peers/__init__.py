"""What a user would take instead, run beside ours on the same sound."""
