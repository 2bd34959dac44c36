"""What an update changes of the index, told by the store itself, and how the index follows.

A call of a function of ours is planted in the pattern of an update; the store calls it for
each solution, and so says what the update binds. Nothing is evaluated twice and nothing is
guessed.
"""
