"""What a prediction rests on: attention, occlusion, and the features that go with them."""
