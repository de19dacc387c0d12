"""What every room needs: errors, files, progress, logs, the engine of tables, the look of figures. Knows no other room."""
