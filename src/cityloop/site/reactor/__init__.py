"""The loop's process: the alarm machine, and every listener of the loop."""
