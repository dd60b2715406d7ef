"""Understanding a post: clean, mask, tag, merge."""
