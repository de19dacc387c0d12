"""A page of single cells: what each looked like, what was predicted when, on what that rests, and what then happened."""
