"""The console command ``cellfate``: thin over the package, each command loaded only when it is used."""
