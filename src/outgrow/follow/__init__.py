"""Following: changes of the primary brought to the follower, batch after batch, in either direction."""
