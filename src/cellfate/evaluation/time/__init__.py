"""What could be known when: before the event, and looking forward."""
