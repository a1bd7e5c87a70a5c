"""The way of a case, pure: its states, its machine, its clock, and what makes signals one matter."""
