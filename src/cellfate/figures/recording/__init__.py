"""Pictures of one recording: its drift, its tracks, its predictions, its simulated cells."""
