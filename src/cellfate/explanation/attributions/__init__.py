"""Ways of saying which frames, channels and regions a prediction rests on, behind one interface, and how faithful they are."""
