"""What the lifelines follow: the day of a line, its gap and cover, what fails after what."""
