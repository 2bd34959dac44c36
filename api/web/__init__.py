"""What endpoints share: what a request says, what it may, and how an answer is written."""
