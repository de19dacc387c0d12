"""Recordings whose truth is known in every pixel, written as users have them."""
